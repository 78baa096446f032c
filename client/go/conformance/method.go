package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	// Their descriptors are what calls are found by.
	_ "genesis-orchestrator.dev/client/go/genesis/admin/v1"
	_ "genesis-orchestrator.dev/client/go/genesis/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// method is one of the contract, called by its name.
type method struct {
	protoreflect.MethodDescriptor
	path            string
	request, answer protoreflect.MessageType
}

func methodOf(call string) (*method, error) {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(call, "/", ".")))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	described, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no method", call)
	}
	request, err := protoregistry.GlobalTypes.FindMessageByName(described.Input().FullName())
	if err != nil {
		return nil, err
	}
	answer, err := protoregistry.GlobalTypes.FindMessageByName(described.Output().FullName())
	return &method{described, "/" + call, request, answer}, err
}

func (m *method) read(text json.RawMessage) (proto.Message, error) {
	message := m.request.New().Interface()
	if err := protojson.Unmarshal(text, message); err != nil {
		return nil, fmt.Errorf("the request is not of the contract: %w", err)
	}
	return message, nil
}

func (m *method) unary(ctx context.Context, connection grpc.ClientConnInterface, text json.RawMessage) (result, error) {
	request, err := m.read(text)
	if err != nil {
		return result{}, err
	}
	answer := m.answer.New().Interface()
	if err := connection.Invoke(ctx, m.path, request, answer); err != nil {
		return result{}, err
	}
	shown, err := protojson.Marshal(answer)
	return result{Status: "OK", Answer: shown}, err
}

func (m *method) stream(ctx context.Context, connection grpc.ClientConnInterface, text json.RawMessage, stopAfter int) (result, error) {
	request, err := m.read(text)
	if err != nil {
		return result{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, m.path)
	if err == nil {
		err = stream.SendMsg(request)
	}
	if err == nil {
		err = stream.CloseSend()
	}
	found := result{Status: "OK", Messages: []json.RawMessage{}}
	for err == nil && (stopAfter == 0 || len(found.Messages) < stopAfter) {
		err = m.receive(stream, &found)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return found, err
}

func (m *method) exchange(ctx context.Context, connection grpc.ClientConnInterface, moves []move) (result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	found := result{Status: "OK", Messages: []json.RawMessage{}}
	stream, err := connection.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, m.path)
	if err != nil {
		return found, err
	}
	for _, one := range moves {
		switch {
		case one.Send != nil:
			message, wrong := m.read(one.Send)
			if wrong != nil {
				return found, wrong
			}
			// A stream that broke says why when it is read.
			if err := stream.SendMsg(message); err != nil && !errors.Is(err, io.EOF) {
				return found, err
			}
		case one.Receive:
			if err := m.receive(stream, &found); errors.Is(err, io.EOF) {
				return found, errors.New("the stream ended, and another message was expected")
			} else if err != nil {
				return found, err
			}
		default:
			if err := stream.CloseSend(); err != nil {
				return found, err
			}
			for err == nil {
				err = m.receive(stream, &found)
			}
			if !errors.Is(err, io.EOF) {
				return found, err
			}
		}
	}
	return found, nil
}

func (m *method) receive(stream grpc.ClientStream, into *result) error {
	answer := m.answer.New().Interface()
	if err := stream.RecvMsg(answer); err != nil {
		return err
	}
	shown, err := protojson.Marshal(answer)
	into.Messages = append(into.Messages, shown)
	return err
}
