package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// ownGroup is the heading of what the caller's own structs hold.
const ownGroup = "Your own"

// fields are all variables of some structs, in their order.
type fields struct {
	list     []*variable
	byName   map[string]*variable
	problems Problems // mistakes of the structs themselves
}

// fieldsOf walks s, then Load's own variables, then the caller's structs.
func fieldsOf(s *Settings, own *strictness, extra []any) *fields {
	fs := &fields{byName: map[string]*variable{}}
	fs.walk(reflect.ValueOf(s).Elem(), prefix, "Service")
	fs.walk(reflect.ValueOf(own).Elem(), prefix, "These variables")
	for i, e := range extra {
		v := reflect.ValueOf(e)
		if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
			fs.problems = append(fs.problems, Problem{
				Var:     fmt.Sprintf("settings.Load, struct %d of your own", i+1),
				Why:     fmt.Sprintf("a %T cannot be filled in", e),
				Allowed: "a pointer to a struct whose fields have env tags",
			})
			continue
		}
		fs.walk(v.Elem(), prefix, ownGroup)
	}
	return fs
}

// walk adds the fields of a struct, and of the structs in it, by the rules of
// package env: a field without a key is no variable, envPrefix adds to the names
// of the struct it is on.
func (fs *fields) walk(st reflect.Value, prefix, group string) {
	for i := range st.NumField() {
		sf, field := st.Type().Field(i), st.Field(i)
		if !sf.IsExported() {
			continue
		}
		key, options, _ := strings.Cut(sf.Tag.Get("env"), ",")
		if key == "-" || options == "-" {
			continue
		}
		if nested, ok := nestedStruct(field, key, options); ok {
			heading := group
			if help := sf.Tag.Get("help"); help != "" {
				heading = help
			}
			fs.walk(nested, prefix+sf.Tag.Get("envPrefix"), heading)
			continue
		}
		if key != "" {
			fs.add(&variable{name: prefix + key, group: group, field: field, sf: sf, prefix: prefix})
		} else if p := sf.Tag.Get("envPrefix"); p != "" && !isStructPointer(sf.Type) {
			fs.problems = append(fs.problems, Problem{
				Var: prefix + p + "…", Why: fmt.Sprintf("a %s cannot be filled in", sf.Type), Allowed: "a struct, or a variable per field",
			})
		}
	}
}

func (fs *fields) add(v *variable) {
	if fs.byName[v.name] != nil {
		fs.problems = append(fs.problems, Problem{Var: v.name, Why: "two fields read it", Allowed: "one field, or another name"})
		return
	}
	if why := v.tagMistake(); why != "" {
		fs.problems = append(fs.problems, Problem{Var: v.name, Why: why})
		return
	}
	params, _ := v.params()
	v.def = params.DefaultValue
	v.text = v.def
	fs.list = append(fs.list, v)
	fs.byName[v.name] = v
}

// nestedStruct is the struct that a field is or points to. A nil pointer is
// left alone, as env does, unless its tag says init.
func nestedStruct(field reflect.Value, key, options string) (reflect.Value, bool) {
	if isStructPointer(field.Type()) && key == "" {
		if field.IsNil() && slices.Contains(strings.Split(options, ","), "init") {
			field.Set(reflect.New(field.Type().Elem()))
		}
		return field.Elem(), !field.IsNil()
	}
	return field, field.Kind() == reflect.Struct && (key == "" || field.Type().Name() == "")
}

func isStructPointer(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct
}
