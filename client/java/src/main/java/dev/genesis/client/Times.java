package dev.genesis.client;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/** Spans of time. */
final class Times {
  static final Duration FIRST_WAIT = Duration.ofMillis(100);
  static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

  private Times() {}

  static Duration of(com.google.protobuf.Duration span) {
    return Duration.ofSeconds(span.getSeconds(), span.getNanos());
  }

  /** How long to wait after so many failures in a row, from 0: twice as long each time, half of it drawn ("equal jitter"). */
  static Duration backoff(int failures, Duration first) {
    double whole = Math.min(LONGEST_WAIT.toNanos(), first.toNanos() * Math.pow(2, Math.min(failures, 30)));
    return Duration.ofNanos((long) (whole / 2 * (1 + ThreadLocalRandom.current().nextDouble())));
  }

  static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) >= 0 ? one : other;
  }

  static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }
}
