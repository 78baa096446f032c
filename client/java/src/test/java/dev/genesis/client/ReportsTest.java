package dev.genesis.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.genesis.v1.Artefact;
import dev.genesis.v1.ArtefactValue;
import dev.genesis.v1.Skill;
import dev.genesis.v1.Task;
import dev.genesis.v1.WorkAssignment;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ReportsTest {
  private static final Skill SKILL = Skill.newBuilder().setId("docs.write").addOutputs(output("own")).build();

  @Test
  @DisplayName("One value becomes the task's only output, or the skill's where the task declares none")
  void single() {
    assertEquals(Map.of("notes", "hello"), outputs("hello", "notes"));
    assertEquals(Map.of("own", "hello"), outputs("hello"));
  }

  @Test
  @DisplayName("A map goes by its names, unless it is the value of the only output")
  void maps() {
    assertEquals(Map.of("a", 1.0, "b", 2.0), outputs(Map.of("a", 1, "b", 2), "a", "b"));
    assertEquals(Map.of("a", 1.0, "more", 2.0), outputs(Map.of("a", 1, "more", 2), "a"));
    assertEquals(Map.of("a", Map.of("x", 1.0)), outputs(Map.of("x", 1), "a"));
  }

  @Test
  @DisplayName("Nothing returned is no output")
  void nothing() {
    assertEquals(Map.of(), outputs(null, "notes"));
  }

  @Test
  @DisplayName("A value elsewhere goes as a reference")
  void reference() {
    ArtefactValue sent = Reports.done(new Reference("s3://b/k", "0".repeat(64), ""), task("notes"), SKILL).getOutputs(0);
    assertEquals("s3://b/k", sent.getReference().getUri());
  }

  @Test
  @DisplayName("A value that has no name or cannot be sent fails the task for good, in words")
  void misfits() {
    assertTrue(assertThrows(TaskFailedException.class, () -> outputs("hello", "a", "b")).permanent());
    assertTrue(assertThrows(TaskFailedException.class, () -> outputs(Double.NaN, "a")).permanent());
  }

  @Test
  @DisplayName("An error that is too long is cut where a character ends")
  void cut() {
    assertEquals(5000, Reports.failed("🌍".repeat(6000), false).getError().codePointCount(0, 10_000));
  }

  private static Map<String, Object> outputs(Object returned, String... declared) {
    return Reports.done(returned, task(declared), SKILL).getOutputsList().stream()
        .collect(Collectors.toMap(ArtefactValue::getName, one -> JsonValues.toJava(one.getValue())));
  }

  private static WorkAssignment task(String... declared) {
    Task.Builder task = Task.newBuilder().setId("t1");
    for (String name : declared) {
      task.addOutputs(output(name));
    }
    return WorkAssignment.newBuilder().setTask(task).build();
  }

  private static Artefact output(String name) {
    return Artefact.newBuilder().setName(name).build();
  }
}
