package dev.genesis.client;

import com.google.protobuf.ListValue;
import com.google.protobuf.NullValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON values between protobuf's {@link Value} and plain Java: null, Boolean, Double, String, List and Map. */
public final class JsonValues {
  private JsonValues() {}

  /** The plain Java form of a value. Numbers are doubles, as in JSON. */
  public static Object toJava(Value value) {
    return switch (value.getKindCase()) {
      case BOOL_VALUE -> value.getBoolValue();
      case NUMBER_VALUE -> value.getNumberValue();
      case STRING_VALUE -> value.getStringValue();
      case LIST_VALUE -> {
        List<Object> items = new ArrayList<>();
        value.getListValue().getValuesList().forEach(item -> items.add(toJava(item)));
        yield items;
      }
      case STRUCT_VALUE -> {
        Map<String, Object> fields = new LinkedHashMap<>();
        value.getStructValue().getFieldsMap().forEach((name, field) -> fields.put(name, toJava(field)));
        yield fields;
      }
      case NULL_VALUE, KIND_NOT_SET -> null;
    };
  }

  /**
   * The value of a plain Java object.
   *
   * @throws IllegalArgumentException when JSON has no such value: another class, a number that is not finite, a key that is no text
   */
  public static Value of(Object value) {
    Value.Builder builder = Value.newBuilder();
    if (value == null) {
      builder.setNullValue(NullValue.NULL_VALUE);
    } else if (value instanceof Value known) {
      return known;
    } else if (value instanceof Boolean flag) {
      builder.setBoolValue(flag);
    } else if (value instanceof Number number) {
      if (!Double.isFinite(number.doubleValue())) {
        throw new IllegalArgumentException("JSON has no number " + number);
      }
      builder.setNumberValue(number.doubleValue());
    } else if (value instanceof CharSequence text) {
      builder.setStringValue(text.toString());
    } else if (value instanceof Iterable<?> items) {
      ListValue.Builder list = builder.getListValueBuilder();
      items.forEach(item -> list.addValues(of(item)));
    } else if (value instanceof Map<?, ?> fields) {
      Struct.Builder struct = builder.getStructValueBuilder();
      fields.forEach((name, field) -> struct.putFields(key(name), of(field)));
    } else {
      throw new IllegalArgumentException("JSON has no value for a " + value.getClass().getName() + ": give texts, numbers, lists, maps");
    }
    return builder.build();
  }

  private static String key(Object name) {
    if (name instanceof String text) {
      return text;
    }
    throw new IllegalArgumentException("a key of an object is " + name + ": give a text");
  }
}
