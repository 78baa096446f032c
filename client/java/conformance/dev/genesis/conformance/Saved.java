package dev.genesis.conformance;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Values that later steps take from the results of earlier ones. */
final class Saved {
  private static final Pattern NAME = Pattern.compile("\\$\\{(\\w+)\\}");

  private final Map<String, String> values = new HashMap<>();

  /** The step with every {@code ${name}} replaced. */
  JsonObject filled(JsonObject step) {
    JsonObject filled = new JsonObject();
    step.entrySet().stream().filter(one -> !one.getKey().equals("save")).forEach(one -> filled.add(one.getKey(), filled(one.getValue())));
    return filled;
  }

  private JsonElement filled(JsonElement value) {
    if (value instanceof JsonObject object) {
      JsonObject filled = new JsonObject();
      object.entrySet().forEach(one -> filled.add(one.getKey(), filled(one.getValue())));
      return filled;
    }
    if (value instanceof JsonArray array) {
      JsonArray filled = new JsonArray();
      array.forEach(one -> filled.add(filled(one)));
      return filled;
    }
    if (value instanceof JsonPrimitive text && text.isString()) {
      return new JsonPrimitive(NAME.matcher(text.getAsString()).replaceAll(found -> Matcher.quoteReplacement(value(found.group(1)))));
    }
    return value;
  }

  private String value(String name) {
    if (!values.containsKey(name)) {
      throw new IllegalArgumentException("nothing was saved as " + name);
    }
    return values.get(name);
  }

  /** Keeps what the step wants kept of its result. */
  void take(JsonObject step, JsonObject result) {
    if (!step.has("save")) {
      return;
    }
    for (Map.Entry<String, JsonElement> one : step.getAsJsonObject("save").entrySet()) {
      String path = one.getValue().getAsString();
      JsonElement from = path.startsWith("messages.") ? result : result.get("answer");
      for (String part : path.split("\\.")) {
        from = from instanceof JsonArray list ? list.get(Integer.parseInt(part)) : from == null ? null : from.getAsJsonObject().get(part);
      }
      if (from == null) {
        throw new IllegalArgumentException("there is no " + path + " to be saved");
      }
      values.put(one.getKey(), from.getAsString());
    }
  }
}
