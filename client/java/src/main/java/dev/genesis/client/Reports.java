package dev.genesis.client;

import dev.genesis.v1.Artefact;
import dev.genesis.v1.ArtefactReference;
import dev.genesis.v1.ArtefactValue;
import dev.genesis.v1.ReportRequest;
import dev.genesis.v1.ReportedDeclined;
import dev.genesis.v1.ReportedDone;
import dev.genesis.v1.ReportedFailed;
import dev.genesis.v1.Skill;
import dev.genesis.v1.WorkAssignment;
import java.util.List;
import java.util.Map;

/** What is reported of a task. */
final class Reports {
  private static final int ERROR_CHARACTERS = 5000;
  private static final int REASON_CHARACTERS = 1000;

  private Reports() {}

  static ReportRequest.Builder about(WorkAssignment given) {
    return ReportRequest.newBuilder().setPlanId(given.getPlanId()).setTaskId(given.getTask().getId()).setLease(given.getLease());
  }

  static ReportedFailed failed(String error, boolean permanent) {
    return ReportedFailed.newBuilder().setError(Texts.cut(error, ERROR_CHARACTERS)).setPermanent(permanent).build();
  }

  /** The worker does not want the task; with {@code handBack} it would, another time. */
  static ReportRequest declined(WorkAssignment given, String reason, boolean handBack) {
    ReportedDeclined outcome = ReportedDeclined.newBuilder().setReason(Texts.cut(reason, REASON_CHARACTERS)).setHandBack(handBack).build();
    return about(given).setDeclined(outcome).build();
  }

  /**
   * What a function returned, as the outputs of its task: a map goes by its names, anything else under the task's only output.
   *
   * @throws TaskFailedException for good, when there is no name for a value, or it is none that JSON has
   */
  static ReportedDone done(Object returned, WorkAssignment given, Skill skill) {
    ReportedDone.Builder outcome = ReportedDone.newBuilder();
    try {
      named(returned, names(given.getTask().getOutputsList()), names(skill.getOutputsList()))
          .forEach((name, value) -> outcome.addOutputs(output(String.valueOf(name), value)));
    } catch (IllegalArgumentException unfit) {
      throw new TaskFailedException("what the function returned cannot be sent: " + unfit.getMessage(), true);
    }
    return outcome.build();
  }

  private static Map<?, ?> named(Object returned, List<String> declared, List<String> own) {
    if (returned == null) {
      return Map.of();
    }
    if (returned instanceof Map<?, ?> map) {
      return declared.size() != 1 || map.containsKey(declared.get(0)) ? map : Map.of(declared.get(0), map);
    }
    List<String> names = declared.isEmpty() ? own : declared;
    if (names.size() != 1) {
      String what = names.isEmpty() ? "no declared output" : "the outputs " + String.join(", ", names);
      throw new TaskFailedException("the function returned one value, and its task has " + what + ": return a map", true);
    }
    return Map.of(names.get(0), returned);
  }

  private static ArtefactValue output(String name, Object value) {
    ArtefactValue.Builder output = ArtefactValue.newBuilder().setName(name);
    if (value instanceof Reference elsewhere) {
      output.setReference(
          ArtefactReference.newBuilder().setUri(elsewhere.uri()).setSha256(elsewhere.sha256()).setMediaType(elsewhere.mediaType()));
    } else {
      output.setValue(JsonValues.of(value));
    }
    return output.build();
  }

  private static List<String> names(List<Artefact> artefacts) {
    return artefacts.stream().map(Artefact::getName).toList();
  }
}
