package dev.genesis.client;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HexFormat;
import java.util.function.Supplier;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Signs the calls of one agent with one key (HMAC-SHA256); {@link Options.Builder#agentKey} does it by itself. */
final class Signer {
  private static final String SCHEME = "Genesis-HMAC-SHA256";
  private static final int NONCE_BYTES = 18;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final String tenant;
  private final String agent;
  private final String key;
  private final String secret;
  private final InstantSource clock;
  private final Supplier<String> nonces;

  Signer(String agentKey, String agent, String tenant, InstantSource clock, Supplier<String> nonces) {
    int colon = agentKey.indexOf(':');
    if (colon < 1 || colon == agentKey.length() - 1) {
      throw new IllegalArgumentException("the agent key is not of the form key-id:secret");
    }
    this.tenant = word("tenant", tenant);
    this.agent = word("agent", agent);
    this.key = word("key id", agentKey.substring(0, colon));
    this.secret = agentKey.substring(colon + 1);
    this.clock = clock;
    this.nonces = nonces;
  }

  static Signer of(String agentKey, String agent, String tenant) {
    return new Signer(agentKey, agent, tenant, InstantSource.system(), Signer::nonce);
  }

  /**
   * The {@code authorization} of a request: a fresh one each time, for the server takes each once.
   *
   * @param method full name of the method, with a slash in front
   * @param body the request's bytes on the wire; none for a stream of requests
   */
  String header(String method, byte[] body) {
    long time = clock.instant().getEpochSecond();
    String nonce = nonces.get();
    String signature = signature(secret, method, tenant, agent, key, time, nonce, body);
    return "%s tenant=%s,agent=%s,key=%s,time=%d,nonce=%s,signature=%s".formatted(SCHEME, tenant, agent, key, time, nonce, signature);
  }

  /** The signature of one request in lower-case hexadecimal: HMAC-SHA256 over a text of eight lines. */
  static String signature(
      String secret, String method, String tenant, String agent, String key, long time, String nonce, byte[] body) {
    try {
      String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body));
      String text = String.join("\n", "genesis-hmac-sha256", method, tenant, agent, key, Long.toString(time), nonce, hash);
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
      return HexFormat.of().formatHex(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException missing) {
      throw new IllegalStateException("every Java has SHA-256", missing);
    }
  }

  private static String nonce() {
    byte[] bytes = new byte[NONCE_BYTES];
    RANDOM.nextBytes(bytes);
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static String word(String name, String value) {
    if (value.isEmpty() || !value.chars().allMatch(one -> one > ' ' && one < 0x7f && one != ',' && one != '=' && one != '"')) {
      throw new IllegalArgumentException(
          "the " + name + " of a signed call is '" + value + "': give a word without blanks, commas, quotes and equals signs");
    }
    return value;
  }
}
