package dev.genesis.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;

/** How to talk to a server. {@code Options.defaults()} is plain text without credentials. */
public final class Options {
  final Supplier<String> token;
  final boolean insecureToken;
  final String agentKey;
  final String agent;
  final String tenant;
  final boolean tls;
  final byte[] rootCertificates;
  final byte[] clientCertificate;
  final byte[] clientKey;
  final String serverName;
  final Duration timeout;
  final Map<String, String> headers;
  final boolean retries;
  final boolean healthChecking;
  final int maxMessageBytes;

  private Options(Builder from) {
    token = from.token;
    insecureToken = from.insecureToken;
    agentKey = from.agentKey;
    agent = from.agent;
    tenant = from.tenant;
    tls = from.tls || from.rootCertificates != null || from.clientCertificate != null || from.serverName != null;
    rootCertificates = from.rootCertificates;
    clientCertificate = from.clientCertificate;
    clientKey = from.clientKey;
    serverName = from.serverName;
    timeout = from.timeout;
    headers = Map.copyOf(from.headers);
    retries = from.retries;
    healthChecking = from.healthChecking;
    maxMessageBytes = from.maxMessageBytes;
  }

  /** Plain text, no credentials. */
  public static Options defaults() {
    return builder().build();
  }

  /** Begins with the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Gathers options. */
  public static final class Builder {
    private final Map<String, String> headers = new LinkedHashMap<>();
    private Supplier<String> token;
    private boolean insecureToken;
    private String agentKey;
    private String agent = "";
    private String tenant = "default";
    private boolean tls;
    private byte[] rootCertificates;
    private byte[] clientCertificate;
    private byte[] clientKey;
    private String serverName;
    private Duration timeout = Duration.ofSeconds(30);
    private boolean retries = true;
    private boolean healthChecking = true;
    private int maxMessageBytes = 64 << 20;

    private Builder() {}

    /** A bearer token. In plain text it is sent to this machine only. */
    public Builder token(String value) {
      Objects.requireNonNull(value);
      return token(() -> value);
    }

    /** Gives a fresh bearer token for each try of a call. */
    public Builder token(Supplier<String> value) {
      token = value;
      return this;
    }

    /** Send the token in plain text to another machine all the same, where the network is private. */
    public Builder insecureToken(boolean value) {
      insecureToken = value;
      return this;
    }

    /** Sign every call with an agent's key, {@code key-id:secret}, instead of a token. The secret itself is not sent. */
    public Builder agentKey(String key, String agentId) {
      agentKey = key;
      agent = agentId;
      return this;
    }

    /** With {@code agentKey}: the agent's tenant; "default" when not said. */
    public Builder tenant(String value) {
      tenant = value;
      return this;
    }

    /** Use TLS; certificates and a server's name say so as well. */
    public Builder tls(boolean value) {
      tls = value;
      return this;
    }

    /** Whom to trust, as PEM; when not said, whom Java trusts. */
    public Builder rootCertificates(byte[] pem) {
      rootCertificates = pem.clone();
      return this;
    }

    /** Whom to trust, a PEM file. */
    public Builder rootCertificates(Path pem) throws IOException {
      return rootCertificates(Files.readAllBytes(pem));
    }

    /** This client's certificate chain and its private key, as PEM (PKCS#8), for mutual TLS. */
    public Builder clientCertificate(byte[] chain, byte[] key) {
      clientCertificate = chain.clone();
      clientKey = key.clone();
      return this;
    }

    /** Name to check the server's certificate against, when it differs from the address. */
    public Builder serverName(String value) {
      serverName = value;
      return this;
    }

    /** Deadline of calls with one answer that have none of their own; 30 s when not said. Streams have none. */
    public Builder timeout(Duration value) {
      timeout = value;
      return this;
    }

    /** A header of every call. */
    public Builder header(String name, String value) {
      headers.put(name, value);
      return this;
    }

    /** Whether calls that found no server are repeated, where that does no harm; true when not said. */
    public Builder retries(boolean value) {
      retries = value;
      return this;
    }

    /** Whether servers that say NOT_SERVING on grpc.health.v1 are left out; true when not said. */
    public Builder healthChecking(boolean value) {
      healthChecking = value;
      return this;
    }

    /** The largest message to send or take; 64 MiB when not said. */
    public Builder maxMessageBytes(int value) {
      maxMessageBytes = value;
      return this;
    }

    /**
     * The options.
     *
     * @throws IllegalArgumentException when they contradict each other
     */
    public Options build() {
      if (token != null && agentKey != null) {
        throw new IllegalArgumentException("a call has a token or is signed with an agent key: give one of the two");
      }
      if (timeout.isNegative() || timeout.isZero()) {
        throw new IllegalArgumentException("give a timeout above 0");
      }
      return new Options(this);
    }
  }
}
