package dev.genesis.client;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The channel's service config: load balancing and health checking (gRFC A2, A17). */
final class ServiceConfig {
  private ServiceConfig() {}

  static Map<String, Object> of(boolean healthChecking) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("loadBalancingConfig", List.of(Map.of("round_robin", Map.of())));
    if (healthChecking) {
      config.put("healthCheckConfig", Map.of("serviceName", ""));
    }
    return config;
  }
}
