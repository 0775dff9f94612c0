package settings

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// prefix is what the name of every variable begins with.
const prefix = "APP_"

// variable is one field of a struct of settings, and what is known about it.
type variable struct {
	name  string // APP_PORT
	group string // heading in .env.example
	def   string
	text  string // what is in force; the default's text, or the environment's
	bad   bool   // what is set is not in force, for a problem of this variable or of several

	field  reflect.Value // where the value goes
	sf     reflect.StructField
	prefix string // of the variable's own key
}

// secret tells whether a Secret is anywhere in the value.
func (v *variable) secret() bool {
	t := v.sf.Type
	for {
		switch {
		case t == reflect.TypeFor[Secret]():
			return true
		case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
			t = t.Elem()
		default:
			return false
		}
	}
}

// fromFile tells whether the value may be in a file.
func (v *variable) fromFile() bool { return v.sf.Type == reflect.TypeFor[Secret]() }

// number tells whether min and max mean something here.
func (v *variable) number() bool {
	return v.field.CanInt() && v.sf.Type != reflect.TypeFor[slog.Level]()
}

// alone is a pointer to a struct of nothing but this field. The variables are
// parsed one by one because an error of package env names the field, of which
// several structs may have one, and not the variable.
func (v *variable) alone() reflect.Value {
	return reflect.New(reflect.StructOf([]reflect.StructField{{Name: v.sf.Name, Type: v.sf.Type, Tag: v.sf.Tag}}))
}

func (v *variable) options(environ map[string]string) env.Options {
	return env.Options{
		Environment: environ,
		Prefix:      v.prefix,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration]():  func(text string) (any, error) { return parseDuration(text) },
			reflect.TypeFor[[]netip.Prefix](): func(text string) (any, error) { return parsePrefixes(text) },
		},
	}
}

// params are env's own reading of the tag.
func (v *variable) params() (env.FieldParams, error) {
	all, err := env.GetFieldParamsWithOptions(v.alone().Interface(), v.options(map[string]string{}))
	if err != nil || len(all) == 0 {
		return env.FieldParams{}, err
	}
	return all[0], nil
}

// parse sets the field from the environment or the default, and says why it
// could not and what is allowed; then the field is as it was. A field that has
// neither value nor default is left alone.
func (v *variable) parse(environ map[string]string) (why, allowed string) {
	alone := v.alone()
	if err := env.ParseWithOptions(alone.Interface(), v.options(environ)); err != nil {
		return v.why(err), v.allowed()
	}
	text, ok := environ[v.name]
	if !ok {
		text = v.def
	}
	value := alone.Elem().Field(0)
	if text == "" {
		return "", ""
	}
	if why, allowed := v.check(value, text); why != "" {
		return why, cmp.Or(allowed, v.allowed())
	}
	v.field.Set(value)
	v.text = text
	return "", ""
}

// why says in our own words what env found, whose words have the value in them.
func (v *variable) why(err error) string {
	if _, ok := errors.AsType[env.VarIsNotSetError](err); ok {
		return "required, but not set"
	}
	if _, ok := errors.AsType[env.EmptyVarError](err); ok {
		return "required, but empty"
	}
	if _, ok := errors.AsType[env.LoadFileContentError](err); ok {
		return "names a file that cannot be read"
	}
	if _, ok := errors.AsType[env.NoParserError](err); ok {
		return fmt.Sprintf("cannot be read: no variable can become a %s", v.sf.Type)
	}
	parse, _ := errors.AsType[env.ParseError](err)
	if errors.Is(parse.Err, strconv.ErrRange) {
		return "out of range"
	}
	switch t := v.sf.Type; {
	case t == reflect.TypeFor[time.Duration]():
		return "not a duration"
	case t == reflect.TypeFor[[]netip.Prefix]():
		return "not a list of addresses"
	case v.sf.Tag.Get("oneof") != "":
		return "not a known value"
	case t.Kind() == reflect.Map:
		return "not a list of pairs"
	case t.Kind() == reflect.Bool:
		return "neither true nor false"
	case v.field.CanInt() || v.field.CanUint():
		return "not a whole number"
	case v.field.CanFloat():
		return "not a number"
	default:
		return fmt.Sprintf("cannot be read as a %s", t)
	}
}

// check holds a value that could be parsed against the tags oneof, min, max
// and rule. What is allowed is "" where [variable.allowed] says it.
func (v *variable) check(value reflect.Value, text string) (why, allowed string) {
	if oneof := v.sf.Tag.Get("oneof"); oneof != "" {
		// A type that reads its own text decides about case itself.
		same := func(a, b string) bool { return a == b }
		if v.sf.Type.Kind() != reflect.String {
			same = strings.EqualFold
		}
		known := false
		for one := range strings.FieldsSeq(oneof) {
			known = known || same(one, text)
		}
		if !known {
			return "not a known value", ""
		}
	}
	if low, ok := v.limit("min"); ok && v.number() && value.Int() < low {
		return "out of range", ""
	}
	if high, ok := v.limit("max"); ok && v.number() && value.Int() > high {
		return "out of range", ""
	}
	if name := v.sf.Tag.Get("rule"); name != "" {
		return rules()[name].check(text)
	}
	return "", ""
}

// limit is the number in the tag min or max.
func (v *variable) limit(tag string) (int64, bool) {
	text := v.sf.Tag.Get(tag)
	if text == "" {
		return 0, false
	}
	if v.sf.Type == reflect.TypeFor[time.Duration]() {
		d, err := parseDuration(text)
		return int64(d), err == nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// tagMistake says what is wrong with the field's own tags, which is its
// author's mistake and not the environment's.
func (v *variable) tagMistake() string {
	if name := v.sf.Tag.Get("rule"); name != "" {
		if _, ok := rules()[name]; !ok {
			return fmt.Sprintf("has the tag rule:%q, which is not a rule", name)
		}
	}
	for _, tag := range []string{"min", "max"} {
		text := v.sf.Tag.Get(tag)
		if _, ok := v.limit(tag); text != "" && (!ok || !v.number()) {
			return fmt.Sprintf("has the tag %s:%q, which takes a number, on a whole number or a duration", tag, text)
		}
	}
	if _, err := v.params(); err != nil {
		return "has an env tag with an option that does not exist"
	}
	return ""
}
