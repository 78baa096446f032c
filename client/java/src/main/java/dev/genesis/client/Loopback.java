package dev.genesis.client;

import java.util.Arrays;
import java.util.regex.Pattern;

/** Which targets are on this machine. */
final class Loopback {
  private static final Pattern SCHEME = Pattern.compile("^(dns|ipv4|ipv6):(//[^/]*/)?");
  private static final Pattern PORT = Pattern.compile(":\\d+$");
  private static final Pattern HOST = Pattern.compile("localhost|127\\.\\d+\\.\\d+\\.\\d+|::1|0:0:0:0:0:0:0:1");

  private Loopback() {}

  /** Whether a gRPC target is this machine: {@code localhost}, a loopback address or a Unix socket. */
  static boolean is(String target) {
    if (target.startsWith("unix:")) {
      return true;
    }
    return Arrays.stream(SCHEME.matcher(target).replaceFirst("").split(",")).allMatch(one -> HOST.matcher(host(one.strip())).matches());
  }

  private static String host(String endpoint) {
    if (endpoint.startsWith("[")) {
      return endpoint.substring(1, Math.max(1, endpoint.indexOf(']')));
    }
    boolean one = endpoint.indexOf(':') == endpoint.lastIndexOf(':');
    return (one ? PORT.matcher(endpoint).replaceFirst("") : endpoint).toLowerCase(java.util.Locale.ROOT);
  }
}
