package dev.genesis.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Message;
import dev.genesis.client.FieldViolation;
import dev.genesis.client.GenesisClient;
import dev.genesis.client.GenesisException;
import dev.genesis.client.Options;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The driver of the Java client: does what a file of scenarios says, and tells what came of it, one line of JSON each. docs/clients.md
 * has what drivers do.
 */
public final class Driver {
  private final GenesisClient client;
  private final Saved saved = new Saved();

  private Driver(GenesisClient client) {
    this.client = client;
  }

  /** Runs all scenarios of the file that is named. */
  public static void main(String[] arguments) throws IOException {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    JsonObject file = JsonParser.parseString(Files.readString(Path.of(arguments[0]))).getAsJsonObject();
    for (JsonElement scenario : file.getAsJsonArray("scenarios")) {
      out.println(told(scenario.getAsJsonObject()));
    }
  }

  private static JsonObject told(JsonObject scenario) {
    JsonObject told = new JsonObject();
    told.add("scenario", scenario.get("name"));
    JsonArray results = new JsonArray();
    told.add("steps", results);
    told.add("fault", JsonNull.INSTANCE);
    JsonObject connect = scenario.getAsJsonObject("connect");
    try (GenesisClient client = GenesisClient.connect(connect.get("target").getAsString(), options(connect))) {
      Driver driver = new Driver(client);
      for (JsonElement step : scenario.getAsJsonArray("steps")) {
        results.add(driver.timed(step.getAsJsonObject()));
      }
    } catch (Exception fault) {
      told.addProperty("fault", fault.toString());
    }
    return told;
  }

  private static Options options(JsonObject connect) throws IOException {
    Options.Builder options = Options.builder();
    if (isSet(connect, "ca_file")) {
      options.rootCertificates(Path.of(connect.get("ca_file").getAsString()));
    }
    if (isSet(connect, "token")) {
      options.token(connect.get("token").getAsString());
    }
    if (isSet(connect, "agent_key")) {
      options.agentKey(connect.get("agent_key").getAsString(), connect.get("agent").getAsString());
    }
    if (isSet(connect, "timeout_seconds")) {
      options.timeout(seconds(connect.get("timeout_seconds")));
    }
    return options.build();
  }

  private JsonObject timed(JsonObject step) throws Exception {
    long start = System.nanoTime();
    JsonObject result = new JsonObject();
    try {
      step(saved.filled(step), result);
      result.addProperty("status", "OK");
    } catch (StatusRuntimeException | StatusException failure) {
      result = failed(GenesisException.of(failure));
    }
    result.addProperty("seconds", (System.nanoTime() - start) / 1e9);
    saved.take(step, result);
    return result;
  }

  private void step(JsonObject step, JsonObject result) throws Exception {
    if (step.has("health")) {
      JsonObject answer = new JsonObject();
      answer.addProperty("status", client.health(step.get("health").getAsString()).name());
      result.add("answer", answer);
      return;
    }
    MethodDescriptor<Message, Message> method = Contract.method(step.get("call").getAsString());
    Calls calls = new Calls(channel(step), method, callOptions(step));
    if (step.has("exchange")) {
      result.add("messages", calls.exchange(step.getAsJsonArray("exchange")));
      return;
    }
    Message request = Contract.read(step.get("request"), method);
    if (method.getType().serverSendsOneMessage()) {
      Duration cancelAfter = step.has("cancel_after_seconds") ? seconds(step.get("cancel_after_seconds")) : null;
      result.add("answer", Contract.json(calls.unary(request, cancelAfter)));
    } else {
      int stopAfter = step.has("stop_after_messages") ? step.get("stop_after_messages").getAsInt() : Integer.MAX_VALUE;
      result.add("messages", calls.streamed(request, stopAfter));
    }
  }

  private Channel channel(JsonObject step) {
    Metadata metadata = new Metadata();
    if (step.has("metadata")) {
      for (Map.Entry<String, JsonElement> one : step.getAsJsonObject("metadata").entrySet()) {
        metadata.put(Metadata.Key.of(one.getKey(), Metadata.ASCII_STRING_MARSHALLER), one.getValue().getAsString());
      }
    }
    return ClientInterceptors.intercept(client.channel(), MetadataUtils.newAttachHeadersInterceptor(metadata));
  }

  private static CallOptions callOptions(JsonObject step) {
    return step.has("timeout_seconds")
        ? CallOptions.DEFAULT.withDeadlineAfter(seconds(step.get("timeout_seconds")).toNanos(), TimeUnit.NANOSECONDS)
        : CallOptions.DEFAULT;
  }

  private static JsonObject failed(GenesisException error) {
    JsonArray violations = new JsonArray();
    for (FieldViolation one : error.fieldViolations()) {
      JsonObject violation = new JsonObject();
      violation.addProperty("field", one.field());
      violation.addProperty("description", one.description());
      violations.add(violation);
    }
    JsonObject metadata = new JsonObject();
    error.metadata().forEach(metadata::addProperty);
    JsonObject facts = new JsonObject();
    facts.addProperty("reason", error.reason());
    facts.add("metadata", metadata);
    facts.add("violations", violations);
    facts.addProperty("retry_after_seconds", error.retryAfter().map(wait -> wait.toNanos() / 1e9).orElse(null));
    JsonObject result = new JsonObject();
    result.addProperty("status", error.code().name());
    result.addProperty("message", error.getMessage());
    result.add("error", facts);
    return result;
  }

  private static boolean isSet(JsonObject object, String name) {
    return object.has(name) && !object.get(name).isJsonNull();
  }

  private static Duration seconds(JsonElement number) {
    return Duration.ofNanos((long) (number.getAsDouble() * 1e9));
  }
}
