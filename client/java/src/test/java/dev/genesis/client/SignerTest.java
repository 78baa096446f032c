package dev.genesis.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class SignerTest {
  private static final byte[] NOTHING = {};

  @Test
  @DisplayName("Requests are signed exactly as the clients in other languages sign them")
  void vectors() throws IOException {
    JsonElement vectors = JsonParser.parseString(Files.readString(Path.of("../../tests/conformance/signing.json")));
    for (JsonElement element : vectors.getAsJsonArray()) {
      JsonObject one = element.getAsJsonObject();
      String signature =
          Signer.signature(
              one.get("secret").getAsString(),
              one.get("method").getAsString(),
              one.get("tenant").getAsString(),
              one.get("agent").getAsString(),
              one.get("key").getAsString(),
              one.get("time").getAsLong(),
              one.get("nonce").getAsString(),
              Base64.getDecoder().decode(one.get("body_base64").getAsString()));
      assertEquals(one.get("signature").getAsString(), signature);
    }
    assertFalse(vectors.getAsJsonArray().isEmpty());
  }

  @Test
  @DisplayName("The header says who signed what and when, in the order the server takes")
  void header() {
    Signer signer = new Signer("k1:s3cret", "writer", "acme", clockAt(1_800_000_000), () -> "AAECAwQFBgcICQoLDA0ODw");
    String start = "Genesis-HMAC-SHA256 tenant=acme,agent=writer,key=k1,time=1800000000,nonce=AAECAwQFBgcICQoLDA0ODw,signature=";
    assertTrue(signer.header("/genesis.v1.AgentService/Work", NOTHING).matches(start + "[0-9a-f]{64}"));
  }

  @Test
  @DisplayName("Two requests never have the same nonce")
  void fresh() {
    Signer signer = Signer.of("k1:s3cret", "writer", "default");
    assertFalse(signer.header("/a/B", NOTHING).equals(signer.header("/a/B", NOTHING)));
  }

  @Test
  @DisplayName("A key or a name that cannot be sent is refused before the first call, without telling the secret")
  void refused() {
    for (String key : new String[] {"", "k1", "k1:", ":s3cret", "k 1:s3cret"}) {
      String words = assertThrows(IllegalArgumentException.class, () -> Signer.of(key, "writer", "default")).getMessage();
      assertFalse(words.contains("s3cret"));
    }
    assertThrows(IllegalArgumentException.class, () -> Signer.of("k1:s3cret", "wri,ter", "default"));
  }

  private static InstantSource clockAt(long seconds) {
    return InstantSource.fixed(Instant.ofEpochSecond(seconds));
  }
}
