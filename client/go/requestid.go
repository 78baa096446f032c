package genesis

import (
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const requestIDField = "request_id"

// hasRequestID tells whether the message, or a message in it that is a request as in PlanStreamRequest, has a request id.
func hasRequestID(message protoreflect.MessageDescriptor) bool {
	return requestIDPath(message) != nil
}

// requestIDPath leads to the request id: the field itself, or the field with the request and the id in it.
func requestIDPath(message protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	if field := message.Fields().ByName(requestIDField); field != nil {
		return []protoreflect.FieldDescriptor{field}
	}
	for i := range message.Fields().Len() {
		outer := message.Fields().Get(i)
		if outer.Message() == nil || outer.Cardinality() == protoreflect.Repeated || outer.ContainingOneof() != nil {
			continue
		}
		if inner := outer.Message().Fields().ByName(requestIDField); inner != nil {
			return []protoreflect.FieldDescriptor{outer, inner}
		}
	}
	return nil
}

// identified is the request with a fresh request id where it has room for one and none is given, so that a repeat is known as one. The
// caller's message is left as it is: sent again, it is a new request.
func identified(request any) any {
	message, ok := request.(proto.Message)
	if !ok {
		return request
	}
	path := requestIDPath(message.ProtoReflect().Descriptor())
	if path == nil {
		return request
	}
	holder := message.ProtoReflect()
	if len(path) == 2 {
		holder = holder.Get(path[0]).Message()
	}
	// A report under a lease is known by its lease.
	if holder.Get(path[len(path)-1]).String() != "" || hasLease(holder) {
		return request
	}
	copied := proto.Clone(message)
	holder = copied.ProtoReflect()
	if len(path) == 2 {
		if !holder.Has(path[0]) {
			return request
		}
		holder = holder.Mutable(path[0]).Message()
	}
	holder.Set(path[len(path)-1], protoreflect.ValueOfString(uuid.NewString()))
	return copied
}

func hasLease(message protoreflect.Message) bool {
	field := message.Descriptor().Fields().ByName("lease")
	return field != nil && message.Has(field)
}
