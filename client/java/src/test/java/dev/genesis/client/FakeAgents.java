package dev.genesis.client;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.ErrorInfo;
import dev.genesis.v1.AgentServiceGrpc.AgentServiceImplBase;
import dev.genesis.v1.DeregisterRequest;
import dev.genesis.v1.DeregisterResponse;
import dev.genesis.v1.HeartbeatRequest;
import dev.genesis.v1.HeartbeatResponse;
import dev.genesis.v1.LeaseNotice;
import dev.genesis.v1.LeaseNoticeKind;
import dev.genesis.v1.LeaseToken;
import dev.genesis.v1.RegisterRequest;
import dev.genesis.v1.RegisterResponse;
import dev.genesis.v1.ReportRequest;
import dev.genesis.v1.ReportResponse;
import dev.genesis.v1.Target;
import dev.genesis.v1.Task;
import dev.genesis.v1.WorkAssignment;
import dev.genesis.v1.WorkMove;
import dev.genesis.v1.WorkReported;
import dev.genesis.v1.WorkRequest;
import dev.genesis.v1.WorkResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The server's side of a worker, played by a test: it keeps what the worker says, and says what the test wants. */
final class FakeAgents extends AgentServiceImplBase {
  final BlockingQueue<WorkRequest> said = new LinkedBlockingQueue<>();
  final BlockingQueue<HeartbeatRequest> beats = new LinkedBlockingQueue<>();
  final BlockingQueue<String> left = new LinkedBlockingQueue<>();
  final AtomicInteger sessions = new AtomicInteger();
  volatile StatusRuntimeException refusal;
  volatile boolean forgetful;
  volatile boolean silentOnReports;
  private volatile StreamObserver<WorkResponse> stream;

  static StatusRuntimeException error(Status.Code code, String reason) {
    ErrorInfo info = ErrorInfo.newBuilder().setReason(reason).build();
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage(reason).addDetails(Any.pack(info)).build());
  }

  @Override
  public void register(RegisterRequest request, StreamObserver<RegisterResponse> answer) {
    if (refusal != null) {
      answer.onError(refusal);
      return;
    }
    forgetful = false;
    answer.onNext(
        RegisterResponse.newBuilder()
            .setSessionId("session-" + sessions.incrementAndGet())
            .setHeartbeatInterval(Duration.newBuilder().setNanos(600_000_000))
            .setLeaseDuration(Duration.newBuilder().setSeconds(30))
            .build());
    answer.onCompleted();
  }

  @Override
  public void heartbeat(HeartbeatRequest request, StreamObserver<HeartbeatResponse> answer) {
    if (forgetful) {
      answer.onError(error(Status.Code.NOT_FOUND, "SESSION_NOT_FOUND"));
      return;
    }
    beats.add(request);
    answer.onNext(HeartbeatResponse.newBuilder().setLeaseDuration(Duration.newBuilder().setSeconds(30)).build());
    answer.onCompleted();
  }

  @Override
  public void deregister(DeregisterRequest request, StreamObserver<DeregisterResponse> answer) {
    left.add(request.getSessionId());
    answer.onNext(DeregisterResponse.getDefaultInstance());
    answer.onCompleted();
  }

  @Override
  public StreamObserver<WorkRequest> work(StreamObserver<WorkResponse> answer) {
    stream = answer;
    return new StreamObserver<>() {
      @Override
      public void onNext(WorkRequest message) {
        if (message.hasReport() && !silentOnReports) {
          send(WorkResponse.newBuilder().setReported(taken(message.getReport())));
        }
        said.add(message);
      }

      @Override
      public void onError(Throwable failure) {}

      @Override
      public void onCompleted() {
        answer.onCompleted();
      }
    };
  }

  /** Waits for the next thing of a kind the worker says. */
  WorkRequest next(WorkRequest.MessageCase kind) throws InterruptedException {
    while (true) {
      WorkRequest message = said.poll(20, TimeUnit.SECONDS);
      if (message == null) {
        throw new AssertionError("the worker did not say " + kind);
      }
      if (message.getMessageCase() == kind) {
        return message;
      }
    }
  }

  void assign(String leaseId, String skillId) {
    WorkAssignment task =
        WorkAssignment.newBuilder()
            .setPlanId("plan_1")
            .setTask(Task.newBuilder().setId("t-" + leaseId).setGoal("Greet"))
            .setTarget(Target.newBuilder().setSkillId(skillId))
            .setLease(LeaseToken.newBuilder().setLeaseId(leaseId).setToken(1))
            .setTimeLeft(Duration.newBuilder().setSeconds(60))
            .setTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .build();
    send(WorkResponse.newBuilder().setAssignment(task));
  }

  void notice(String leaseId, LeaseNoticeKind kind) {
    send(WorkResponse.newBuilder().setNotice(LeaseNotice.newBuilder().setLeaseId(leaseId).setKind(kind)));
  }

  void move() {
    send(WorkResponse.newBuilder().setMove(WorkMove.getDefaultInstance()));
  }

  synchronized void breakStream() {
    stream.onError(Status.UNAVAILABLE.asRuntimeException());
  }

  private synchronized void send(WorkResponse.Builder message) {
    stream.onNext(message.build());
  }

  private static WorkReported taken(ReportRequest report) {
    return WorkReported.newBuilder().setLeaseId(report.getLease().getLeaseId()).setAccepted(ReportResponse.getDefaultInstance()).build();
  }
}
