import dev.genesis.client.Options;
import dev.genesis.client.Worker;
import dev.genesis.v1.Artefact;
import dev.genesis.v1.Skill;

/**
 * A worker: it joins as an agent, does one skill, and leaves when it is told to stop (Ctrl-C, SIGTERM).
 *
 * <p>GENESIS_TARGET, GENESIS_AGENT_ID, GENESIS_SKILL and, where the server wants one, GENESIS_AGENT_KEY say where and as whom.
 */
public final class ExampleWorker {
  private ExampleWorker() {}

  /** Works until it is told to stop. */
  public static void main(String[] arguments) {
    String agent = setting("GENESIS_AGENT_ID", "java-greeter");
    Skill greet =
        Skill.newBuilder()
            .setId(setting("GENESIS_SKILL", "example.greet"))
            .setDescription("Greet somebody")
            .addOutputs(Artefact.newBuilder().setName("greeting").setType("text"))
            .build();
    Worker worker =
        Worker.builder(agent)
            .description("Greets, in Java.")
            .skill(
                greet,
                task -> {
                  task.progress(0.5, "thinking of words");
                  return "Hello from Java, about: " + task.planGoal();
                })
            .build();
    String key = setting("GENESIS_AGENT_KEY", "");
    Options options = key.isEmpty() ? Options.defaults() : Options.builder().agentKey(key, agent).build();
    worker.run(setting("GENESIS_TARGET", "127.0.0.1:50051"), options);
  }

  private static String setting(String name, String otherwise) {
    String value = System.getenv(name);
    return value == null || value.isEmpty() ? otherwise : value;
  }
}
