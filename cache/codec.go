package cache

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Codec turns values into bytes and back, as packages for formats do with functions of these names. It must be safe for concurrent use. What Marshal returns must be nobody
// else's. Unmarshal gets a pointer, and bytes that are nobody else's, which the value may keep.
type Codec interface {
	Marshal(v any) ([]byte, error)
	Unmarshal(data []byte, v any) error
}

// jsonCodec is the default.
type jsonCodec struct{}

func (jsonCodec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// shape is how values of a type are stored. The zero shape is bytes and strings as they are, and JSON for the others.
type shape struct {
	codec  Codec // nil: the default
	schema uint64
}

// marshal returns v as bytes that are nobody else's.
func marshal[T any](s shape, v T) ([]byte, error) {
	codec := s.codec
	if codec == nil {
		switch p := any(&v).(type) { // of T, which may be an interface
		case *[]byte:
			return append([]byte{}, *p...), nil
		case *string:
			return []byte(*p), nil
		}
		codec = jsonCodec{}
	}
	data, err := codec.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("the value, a %T, does not encode: %w", v, err)
	}
	return data, nil
}

// unmarshal returns the value in data, which it may keep.
func unmarshal[T any](s shape, data []byte) (T, error) {
	if s.codec == nil {
		if v, ok := asItIs[T](data); ok {
			return v, nil
		}
	}
	return unmarshalBy[T](s.codec, data)
}

// unmarshalShared is unmarshal for data that others have too.
func unmarshalShared[T any](s shape, data []byte) (T, error) {
	return unmarshal[T](s, append([]byte{}, data...))
}

// asItIs is for the types that need no codec. It is a function of its own, so that v need not be on the heap for them.
func asItIs[T any](data []byte) (v T, ok bool) {
	switch p := any(&v).(type) {
	case *[]byte:
		*p = data
		return v, true
	case *string:
		*p = string(data)
		return v, true
	}
	return v, false
}

func unmarshalBy[T any](codec Codec, data []byte) (T, error) {
	if codec == nil {
		codec = jsonCodec{}
	}
	var v T
	if err := codec.Unmarshal(data, &v); err != nil {
		var none T
		return none, fmt.Errorf("the value is no %v: %w", reflect.TypeFor[T](), err)
	}
	return v, nil
}
