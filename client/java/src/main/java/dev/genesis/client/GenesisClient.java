package dev.genesis.client;

import dev.genesis.admin.v1.FlagAdminServiceGrpc;
import dev.genesis.admin.v1.FlagAdminServiceGrpc.FlagAdminServiceBlockingStub;
import dev.genesis.admin.v1.PolicyServiceGrpc;
import dev.genesis.admin.v1.PolicyServiceGrpc.PolicyServiceBlockingStub;
import dev.genesis.v1.AgentServiceGrpc;
import dev.genesis.v1.AgentServiceGrpc.AgentServiceBlockingStub;
import dev.genesis.v1.OrchestratorServiceGrpc;
import dev.genesis.v1.OrchestratorServiceGrpc.OrchestratorServiceBlockingStub;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.ManagedChannelRegistry.ProviderNotFoundException;
import io.grpc.TlsChannelCredentials;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import java.util.concurrent.TimeUnit;

/**
 * A connection to Genesis: the generated stubs over one channel that has deadlines, retries, credentials and health checking. Safe to
 * use from any thread; one for each program is enough.
 *
 * <pre>{@code
 * try (GenesisClient genesis = GenesisClient.connect("127.0.0.1:50051")) {
 *   PlanResponse answer = genesis.orchestrator().plan(PlanRequest.newBuilder().setGoal("Water the plants").build());
 * }
 * }</pre>
 */
public final class GenesisClient implements AutoCloseable {
  private static final String USER_AGENT = "genesis-java/" + version();

  private final ManagedChannel transport;
  private final Channel channel;

  private GenesisClient(ManagedChannel transport, Options options) {
    this.transport = transport;
    Credentials credentials = null;
    Channel inner = transport;
    if (options.token != null) {
      credentials = Credentials.token(options.token);
    } else if (options.agentKey != null) {
      credentials = Credentials.signed(Signer.of(options.agentKey, options.agent, options.tenant));
      inner = ClientInterceptors.intercept(transport, new BodyOnce());
    }
    if (options.retries) {
      inner = ClientInterceptors.intercept(inner, new Retries(transport::resetConnectBackoff));
    }
    this.channel = ClientInterceptors.intercept(inner, new CallDefaults(options, credentials));
  }

  /** Connects in plain text, without credentials. */
  public static GenesisClient connect(String target) {
    return connect(target, Options.defaults());
  }

  /**
   * Connects: to {@code host:port}, or whatever gRPC takes as a target, for example {@code dns:///name:port} for all addresses of a name
   * in turn. Nothing is sent before the first call.
   *
   * @throws IllegalArgumentException when the token would travel in plain text to another machine, or target or certificates are none
   */
  public static GenesisClient connect(String target, Options options) {
    if (options.token != null && !options.tls && !options.insecureToken && !Loopback.is(target)) {
      throw new IllegalArgumentException(
          "the token would travel to " + target + " in plain text: use TLS, or allow an insecure token when the network is private");
    }
    ManagedChannelBuilder<?> builder =
        builder(target, options)
            .defaultServiceConfig(ServiceConfig.of(options.healthChecking))
            .keepAliveTime(60, TimeUnit.SECONDS)
            .keepAliveTimeout(20, TimeUnit.SECONDS)
            .maxInboundMessageSize(options.maxMessageBytes)
            .userAgent(USER_AGENT);
    if (options.serverName != null) {
      builder.overrideAuthority(options.serverName);
    }
    return new GenesisClient(builder.build(), options);
  }

  /** Plans, routes, verdicts, decisions, flags as they are. */
  public OrchestratorServiceBlockingStub orchestrator() {
    return OrchestratorServiceGrpc.newBlockingStub(channel);
  }

  /** Agents and their workers; {@link Worker} does what a worker needs. */
  public AgentServiceBlockingStub agents() {
    return AgentServiceGrpc.newBlockingStub(channel);
  }

  /** Rulebook, breakers, security events. */
  public PolicyServiceBlockingStub policy() {
    return PolicyServiceGrpc.newBlockingStub(channel);
  }

  /** Flags as they are written. */
  public FlagAdminServiceBlockingStub flags() {
    return FlagAdminServiceGrpc.newBlockingStub(channel);
  }

  /** What all calls go through, for stubs of another kind: {@code OrchestratorServiceGrpc.newStub(genesis.channel())}. */
  public Channel channel() {
    return channel;
  }

  /** How the server is, in the words of grpc.health.v1; {@code service} is "liveness", "readiness", a service's name, or "". */
  public ServingStatus health(String service) {
    return HealthGrpc.newBlockingStub(channel).check(HealthCheckRequest.newBuilder().setService(service).build()).getStatus();
  }

  /** Connect now, whatever gRPC waits for. */
  void hurry() {
    transport.resetConnectBackoff();
  }

  /** Ends the connection: calls under way have five seconds. */
  @Override
  public void close() {
    transport.shutdown();
    try {
      if (!transport.awaitTermination(5, TimeUnit.SECONDS)) {
        transport.shutdownNow();
      }
    } catch (InterruptedException interrupted) {
      transport.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  private static ManagedChannelBuilder<?> builder(String target, Options options) {
    try {
      return Grpc.newChannelBuilder(target, channelCredentials(options));
    } catch (IOException | ProviderNotFoundException unfit) {
      throw new IllegalArgumentException("the target or the certificates cannot be used: " + unfit.getMessage(), unfit);
    }
  }

  private static ChannelCredentials channelCredentials(Options options) throws IOException {
    if (!options.tls) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    if (options.rootCertificates != null) {
      builder.trustManager(new ByteArrayInputStream(options.rootCertificates));
    }
    if (options.clientCertificate != null) {
      builder.keyManager(new ByteArrayInputStream(options.clientCertificate), new ByteArrayInputStream(options.clientKey));
    }
    return builder.build();
  }

  private static String version() {
    try (InputStream found = GenesisClient.class.getResourceAsStream("version.properties")) {
      Properties properties = new Properties();
      properties.load(found);
      return properties.getProperty("version");
    } catch (IOException missing) {
      throw new IllegalStateException("the client was built without its version", missing);
    }
  }
}
