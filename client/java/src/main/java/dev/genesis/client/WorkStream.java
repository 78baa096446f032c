package dev.genesis.client;

import dev.genesis.v1.AgentServiceGrpc;
import dev.genesis.v1.ReportRequest;
import dev.genesis.v1.WorkAcknowledgement;
import dev.genesis.v1.WorkOpen;
import dev.genesis.v1.WorkReported;
import dev.genesis.v1.WorkRequest;
import dev.genesis.v1.WorkResponse;
import dev.genesis.v1.WorkSlots;
import io.grpc.Channel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/** One stream of work: what the worker says on it, and the answers to its reports. Belongs to the loop. */
final class WorkStream {
  private static final Duration ANSWER = Duration.ofSeconds(30);

  /** Who owns a stream. */
  interface Owner {
    /** The server said something. */
    void heard(WorkStream stream, WorkResponse message);

    /** The stream is over; {@code failure} is null when the server ended it as agreed. */
    void over(WorkStream stream, GenesisException failure);
  }

  private final Loop loop;
  private final Owner owner;
  private final Map<String, Asked> asked = new HashMap<>();
  private final ClientCallStreamObserver<WorkRequest> requests;
  private boolean closed;

  private record Asked(Consumer<WorkReported> answered, Future<?> timer) {}

  WorkStream(Channel channel, WorkOpen opening, Loop loop, Owner owner) {
    this.loop = loop;
    this.owner = owner;
    this.requests = (ClientCallStreamObserver<WorkRequest>) AgentServiceGrpc.newStub(channel).work(new Ear());
    say(WorkRequest.newBuilder().setOpen(opening));
  }

  /** A task has arrived. */
  void acknowledge(String leaseId) {
    say(WorkRequest.newBuilder().setAcknowledge(WorkAcknowledgement.newBuilder().setLeaseId(leaseId)));
  }

  /** As many tasks can be held from now on. */
  void slots(int number) {
    say(WorkRequest.newBuilder().setSlots(WorkSlots.newBuilder().setSlots(number)));
  }

  /** Sends a report; the consumer gets the server's answer, or null when there was none in time. */
  void report(ReportRequest request, Consumer<WorkReported> answered) {
    String leaseId = request.getLease().getLeaseId();
    asked.put(leaseId, new Asked(answered, loop.after(ANSWER, () -> answer(leaseId, null))));
    say(WorkRequest.newBuilder().setReport(request));
  }

  /** The server answered a report. */
  void reported(WorkReported answer) {
    answer(answer.getLeaseId(), answer);
  }

  /** Nothing more is said; reports without an answer have none. */
  void close() {
    if (!closed) {
      closed = true;
      requests.cancel("the worker has done with this stream", null);
      List.copyOf(asked.keySet()).forEach(leaseId -> answer(leaseId, null));
    }
  }

  private void say(WorkRequest.Builder message) {
    if (!closed) {
      requests.onNext(message.build());
    }
  }

  private void answer(String leaseId, WorkReported answer) {
    Asked one = asked.remove(leaseId);
    if (one != null) {
      one.timer.cancel(false);
      one.answered.accept(answer);
    }
  }

  /** Hears on gRPC's threads, and hands it to the loop. */
  private final class Ear implements StreamObserver<WorkResponse> {
    @Override
    public void onNext(WorkResponse message) {
      open(() -> owner.heard(WorkStream.this, message));
    }

    @Override
    public void onError(Throwable failure) {
      open(() -> owner.over(WorkStream.this, GenesisException.of(failure)));
    }

    @Override
    public void onCompleted() {
      open(() -> owner.over(WorkStream.this, null));
    }

    private void open(Runnable work) {
      loop.execute(
          () -> {
            if (!closed) {
              work.run();
            }
          });
    }
  }
}
