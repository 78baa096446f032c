package dev.genesis.client;

import dev.genesis.v1.AgentCard;
import dev.genesis.v1.Artefact;
import dev.genesis.v1.Skill;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * An agent made of functions. Each process that runs it is one worker of the agent.
 *
 * <pre>{@code
 * Worker.builder("writer")
 *     .description("Writes documents.")
 *     .skill("docs.write", "Write release notes", task -> "# What is new")
 *     .build()
 *     .run("127.0.0.1:50051");
 * }</pre>
 */
public final class Worker {
  private final AgentCard card;
  private final Map<String, Tasks.Ability> abilities;
  private final Duration grace;

  private Worker(Builder from) {
    this.card = from.card.build();
    this.abilities = Map.copyOf(from.abilities);
    this.grace = from.grace;
  }

  /** An agent without skills yet; with a signed connection the id is that of the key. */
  public static Builder builder(String agentId) {
    return new Builder(AgentCard.newBuilder().setId(agentId));
  }

  /** An agent with what the card says besides skills: models, prices, region, data class. */
  public static Builder builder(AgentCard card) {
    return new Builder(card.toBuilder().clearSkills());
  }

  /** The agent's card with its skills. */
  public AgentCard card() {
    return card;
  }

  /**
   * Works until SIGTERM or SIGINT: the first lets tasks finish within the grace time, the second hands them back at once.
   *
   * @throws GenesisException when the server refuses the worker for good before it ever joined
   */
  public void run(String target) {
    run(target, Options.defaults());
  }

  /** The same, with options. */
  public void run(String target, Options options) {
    try (Running running = start(target, options)) {
      Signals.onStop(() -> running.stop(true));
      running.await();
    }
  }

  /** Works in the background until it is told to stop. It joins as soon as a server answers. */
  public Running start(String target, Options options) {
    return new Running(this, GenesisClient.connect(target, options));
  }

  /** A worker at work. */
  public static final class Running implements AutoCloseable {
    private final GenesisClient client;
    private final Engine engine;

    private Running(Worker worker, GenesisClient client) {
      this.client = client;
      this.engine = new Engine(client, worker.card, worker.abilities, worker.grace);
      engine.start();
    }

    /**
     * Waits until the server took the worker.
     *
     * @throws GenesisException when it refuses it for good
     */
    public void awaitJoined() {
      result(CompletableFuture.anyOf(engine.joined(), engine.ended()));
    }

    /** Take nothing more, and leave: tasks finish within the grace time, or are handed back at once. Does not wait. */
    public void stop(boolean finish) {
      engine.stop(finish);
    }

    /**
     * Waits until the worker has left.
     *
     * @throws GenesisException when the server refused it for good before it ever joined
     */
    public void await() {
      result(engine.ended());
    }

    /** Stops as {@code stop(true)} does, and waits for it. */
    @Override
    public void close() {
      if (!engine.ended().isDone()) {
        engine.stop(true);
        engine.ended().exceptionally(failed -> null).join();
      }
      client.close();
    }

    private static void result(CompletableFuture<?> future) {
      try {
        future.join();
      } catch (CompletionException failed) {
        throw failed.getCause() instanceof RuntimeException cause ? cause : failed;
      }
    }
  }

  /** Gathers what the agent is and can do. */
  public static final class Builder {
    private final AgentCard.Builder card;
    private final Map<String, Tasks.Ability> abilities = new LinkedHashMap<>();
    private Duration grace = Duration.ofSeconds(30);

    private Builder(AgentCard.Builder card) {
      this.card = card;
    }

    /** What the agent is for. */
    public Builder description(String value) {
      card.setDescription(value);
      return this;
    }

    /** How many tasks a worker does at once; 1 when not said. */
    public Builder slots(int value) {
      if (value < 1) {
        throw new IllegalArgumentException("give a worker at least one slot");
      }
      card.setMaxConcurrentTasks(value);
      return this;
    }

    /** How long tasks under way have to finish when the worker stops; 30 s when not said. Then they are handed back. */
    public Builder grace(Duration value) {
      grace = value;
      return this;
    }

    /** A skill with one output, which has the skill's name ("docs.write" puts out "docs_write"). */
    public Builder skill(String id, String description, TaskFunction function) {
      Artefact output = Artefact.newBuilder().setName(id.replaceAll("[^A-Za-z0-9]+", "_")).build();
      return skill(Skill.newBuilder().setId(id).setDescription(description).addOutputs(output).build(), function);
    }

    /** A skill as it is to stand on the card. */
    public Builder skill(Skill entry, TaskFunction function) {
      Objects.requireNonNull(function);
      if (abilities.putIfAbsent(entry.getId(), new Tasks.Ability(entry, function)) != null) {
        throw new IllegalArgumentException("the skill " + entry.getId() + " is there twice");
      }
      card.addSkills(entry);
      return this;
    }

    /**
     * The worker.
     *
     * @throws IllegalArgumentException when it has no skill
     */
    public Worker build() {
      if (abilities.isEmpty()) {
        throw new IllegalArgumentException("the worker has no skill: give it one with skill(...)");
      }
      return new Worker(this);
    }
  }
}
