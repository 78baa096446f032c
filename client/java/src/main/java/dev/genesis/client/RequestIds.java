package dev.genesis.client;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import java.util.UUID;
import java.util.function.Supplier;

/** Request ids: they make it safe to repeat a call that changes something. */
final class RequestIds {
  private static final String FIELD = "request_id";
  private static final Supplier<String> FRESH = () -> UUID.randomUUID().toString();

  private RequestIds() {}

  /** Whether the requests of a method have one. */
  static boolean has(MethodDescriptor<?, ?> method) {
    return method.getSchemaDescriptor() instanceof ProtoMethodDescriptorSupplier schema
        && schema.getMethodDescriptor().getInputType().findFieldByName(FIELD) != null;
  }

  /** The message with a fresh id where it has none; also in a request that is part of it, as in {@code PlanStreamRequest}. */
  static Message filled(Message message) {
    return filled(message, FRESH);
  }

  static Message filled(Message message, Supplier<String> fresh) {
    Descriptor type = message.getDescriptorForType();
    FieldDescriptor id = type.findFieldByName(FIELD);
    if (id != null) {
      return message.getField(id).equals("") ? message.toBuilder().setField(id, fresh.get()).build() : message;
    }
    for (FieldDescriptor field : message.getAllFields().keySet()) {
      if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
          && !field.isRepeated()
          && field.getMessageType().findFieldByName(FIELD) != null) {
        return message.toBuilder().setField(field, filled((Message) message.getField(field), fresh)).build();
      }
    }
    return message;
  }
}
