package web

import (
	"bytes"
	"encoding"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

const (
	// maxDepth is how deep objects and arrays may be nested.
	maxDepth = 64
	// maxEmbedded ends the search in a struct that embeds a pointer to itself.
	maxEmbedded = 8
)

// shape walks through JSON that is known to be valid, beside the Go type that it is meant for, and finds what
// encoding/json would let pass (unknown names, names in another case, names given twice, null for a value) or report
// without the place (values of the wrong type).
type shape struct {
	data []byte
	pos  int
	path []byte // of the value at pos: "lines[2].price"
}

// value reads one value for t, within depth objects and arrays. A nil t is any.
func (s *shape) value(t reflect.Type, depth int) error {
	s.space()
	first, start := s.data[s.pos], s.pos
	if depth == maxDepth && (first == '{' || first == '[') {
		return NewProblem(http.StatusBadRequest, "The body is nested more than "+strconv.Itoa(maxDepth)+" levels deep.")
	}
	for t != nil && t.Kind() == reflect.Pointer && !decodesItself(t) {
		if t = t.Elem(); first == 'n' {
			t = nil
		}
	}
	var self reflect.Type // t, where t has a decoding method
	if t != nil && decodesItself(t) {
		t, self = nil, t
	}
	if t != nil && t.Kind() == reflect.Interface {
		t = nil
	}
	if t != nil && !takes(t, first) {
		detail := "must be " + kindName(t)
		if first == 'n' {
			detail += ", not null"
		}
		return fieldProblem(string(s.path), detail)
	}
	switch first {
	case '{':
		if err := s.object(t, depth); err != nil {
			return err
		}
	case '[':
		if err := s.array(t, depth); err != nil {
			return err
		}
	case '"':
		s.quoted()
	default: // a number, true, false or null
		for s.pos < len(s.data) && strings.IndexByte(" \t\r\n,]}", s.data[s.pos]) < 0 {
			s.pos++
		}
	}
	raw := s.data[start:s.pos]
	if t != nil && !inRange(t, raw) {
		return fieldProblem(string(s.path), "must be "+kindName(t))
	}
	if self != nil && json.Unmarshal(raw, reflect.New(self).Interface()) != nil {
		return fieldProblem(string(s.path), "has the wrong form")
	}
	return nil
}

// takes reports whether a value that begins with first can go into a t.
func takes(t reflect.Type, first byte) bool {
	kind := t.Kind()
	switch first {
	case '{':
		return kind == reflect.Struct || kind == reflect.Map
	case '[':
		return kind == reflect.Slice || kind == reflect.Array
	case '"':
		return kind == reflect.String || kind == reflect.Slice && t.Elem().Kind() == reflect.Uint8 // base64
	case 't', 'f':
		return kind == reflect.Bool
	case 'n':
		return kind == reflect.Map || kind == reflect.Slice
	}
	return reflect.Int <= kind && kind <= reflect.Float64 || t == reflect.TypeFor[json.Number]()
}

// inRange reports whether raw, which t takes, is not too large for it, nor a fraction where t is whole.
func inRange(t reflect.Type, raw []byte) bool {
	var err error
	switch kind := t.Kind(); {
	case reflect.Int <= kind && kind <= reflect.Int64:
		_, err = strconv.ParseInt(string(raw), 10, t.Bits())
	case reflect.Uint <= kind && kind <= reflect.Uintptr:
		_, err = strconv.ParseUint(string(raw), 10, t.Bits())
	case kind == reflect.Float32 || kind == reflect.Float64:
		_, err = strconv.ParseFloat(string(raw), t.Bits())
	}
	return err == nil
}

// object reads an object for a struct, a map, or any.
func (s *shape) object(t reflect.Type, depth int) error {
	isStruct := t != nil && t.Kind() == reflect.Struct
	var elem reflect.Type
	if t != nil && t.Kind() == reflect.Map {
		elem = t.Elem()
	}
	var seen map[string]bool
	outer := len(s.path)
	s.pos++ // {
	for s.space(); s.data[s.pos] != '}'; s.space() {
		if s.data[s.pos] == ',' {
			s.pos++
			s.space()
		}
		name := s.name()
		s.space()
		s.pos++ // :
		if outer > 0 {
			s.path = append(s.path, '.')
		}
		if name == "" {
			s.path = append(s.path, `""`...) // an empty path would be the whole body
		}
		s.path = append(s.path, name...)
		if seen[name] {
			return fieldProblem(string(s.path), "is given twice")
		}
		if isStruct {
			field, ok := fieldType(t, name, maxEmbedded)
			if !ok {
				return fieldProblem(string(s.path), "is not known")
			}
			elem = field
		}
		if seen == nil {
			seen = make(map[string]bool)
		}
		seen[name] = true
		if err := s.value(elem, depth+1); err != nil {
			return err
		}
		s.path = s.path[:outer]
	}
	s.pos++ // }
	return nil
}

// array reads an array for a slice, an array, or any.
func (s *shape) array(t reflect.Type, depth int) error {
	var elem reflect.Type
	if t != nil {
		elem = t.Elem()
	}
	outer := len(s.path)
	s.pos++ // [
	for i := 0; ; i++ {
		if s.space(); s.data[s.pos] == ']' {
			break
		}
		if s.data[s.pos] == ',' {
			s.pos++
		}
		s.path = append(strconv.AppendInt(append(s.path, '['), int64(i), 10), ']')
		if err := s.value(elem, depth+1); err != nil {
			return err
		}
		s.path = s.path[:outer]
	}
	s.pos++ // ]
	return nil
}

// name reads the name of a member, as encoding/json will compare it.
func (s *shape) name() string {
	quoted := s.quoted()
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var name string
	_ = json.Unmarshal(quoted, &name) // it is valid JSON
	return name
}

// quoted reads a string and gives it as it stands, with its quotes.
func (s *shape) quoted() []byte {
	start := s.pos
	for s.pos++; s.data[s.pos] != '"'; s.pos++ {
		if s.data[s.pos] == '\\' {
			s.pos++
		}
	}
	s.pos++
	return s.data[start:s.pos]
}

func (s *shape) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// fieldType is the type of the field of struct t that encoding/json calls name, also in structs that are embedded up to
// levels deep. It is nil, for any, where the field's tag says that its value comes as a string.
func fieldType(t reflect.Type, name string, levels int) (reflect.Type, bool) {
	if name == "" {
		return nil, false // no field is called so; fieldName means something else by it
	}
	for f := range t.Fields() {
		if fieldName(f) == name && f.IsExported() {
			if _, options, _ := strings.Cut(f.Tag.Get("json"), ","); strings.Contains(options, "string") {
				return nil, true
			}
			return f.Type, true
		}
	}
	if levels == 0 {
		return nil, false
	}
	for f := range t.Fields() {
		if embedded, ok := embeddedStruct(f); ok && fieldName(f) == "" {
			if found, ok := fieldType(embedded, name, levels-1); ok {
				return found, true
			}
		}
	}
	return nil, false
}

// fieldName is what encoding/json calls f, empty for what it leaves out or looks into instead.
func fieldName(f reflect.StructField) string {
	tag := f.Tag.Get("json")
	if tag == "-" {
		return ""
	}
	if name, _, _ := strings.Cut(tag, ","); name != "" {
		return name
	}
	if _, ok := embeddedStruct(f); ok {
		return ""
	}
	return f.Name
}

func embeddedStruct(f reflect.StructField) (reflect.Type, bool) {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t, f.Anonymous && f.Tag.Get("json") != "-" && t.Kind() == reflect.Struct
}

// decodesItself reports whether encoding/json leaves the decoding of a t to its own method.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
