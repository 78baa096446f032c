package dev.genesis.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Value;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class JsonValuesTest {
  @Test
  @DisplayName("Every JSON value comes back as it went, numbers as doubles")
  void roundTrip() {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("text", "naïve 🌍");
    object.put("list", Arrays.asList(1.5, true, null, List.of()));
    object.put("empty", Map.of());
    assertEquals(object, JsonValues.toJava(JsonValues.of(object)));
    assertEquals(3.0, JsonValues.toJava(JsonValues.of(3)));
  }

  @Test
  @DisplayName("An empty list and an empty map stay what they are")
  void empties() {
    assertEquals(Value.KindCase.LIST_VALUE, JsonValues.of(List.of()).getKindCase());
    assertEquals(Value.KindCase.STRUCT_VALUE, JsonValues.of(Map.of()).getKindCase());
  }

  @Test
  @DisplayName("What JSON does not have is refused with words")
  void refused() {
    for (Object one : new Object[] {Double.NaN, Float.POSITIVE_INFINITY, new Object(), Map.of(1, "one"), List.of(new int[0])}) {
      assertThrows(IllegalArgumentException.class, () -> JsonValues.of(one));
    }
  }
}
