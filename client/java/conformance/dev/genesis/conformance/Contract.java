package dev.genesis.conformance;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.genesis.admin.v1.FlagAdminServiceGrpc;
import dev.genesis.admin.v1.PolicyServiceGrpc;
import dev.genesis.v1.AgentServiceGrpc;
import dev.genesis.v1.OrchestratorServiceGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import java.io.IOException;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The methods of the contract by name, and its messages as JSON. */
final class Contract {
  private static final Map<String, MethodDescriptor<?, ?>> METHODS =
      Stream.of(
              OrchestratorServiceGrpc.getServiceDescriptor(),
              AgentServiceGrpc.getServiceDescriptor(),
              PolicyServiceGrpc.getServiceDescriptor(),
              FlagAdminServiceGrpc.getServiceDescriptor())
          .flatMap(service -> service.getMethods().stream())
          .collect(Collectors.toMap(MethodDescriptor::getFullMethodName, Function.identity()));
  private static final JsonFormat.TypeRegistry DETAILS =
      JsonFormat.TypeRegistry.newBuilder()
          .add(ErrorInfo.getDescriptor())
          .add(BadRequest.getDescriptor())
          .add(RetryInfo.getDescriptor())
          .build();

  private Contract() {}

  @SuppressWarnings("unchecked")
  static MethodDescriptor<Message, Message> method(String name) {
    MethodDescriptor<?, ?> method = METHODS.get(name);
    if (method == null) {
      throw new IllegalArgumentException("there is no method " + name);
    }
    return (MethodDescriptor<Message, Message>) method;
  }

  /** The request of a method, from its JSON form. */
  static Message read(JsonElement json, MethodDescriptor<Message, Message> method) throws IOException {
    Message nothing = ((PrototypeMarshaller<Message>) method.getRequestMarshaller()).getMessagePrototype();
    Message.Builder builder = nothing.newBuilderForType();
    JsonFormat.parser().usingTypeRegistry(DETAILS).merge(json.toString(), builder);
    return builder.build();
  }

  static JsonElement json(Message message) throws IOException {
    return JsonParser.parseString(JsonFormat.printer().usingTypeRegistry(DETAILS).print(message));
  }
}
