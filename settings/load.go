package settings

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// stopMargin is what a stop needs beside its two budgets.
const stopMargin = time.Second

// Load reads the variables of Settings, and of the caller's own structs, from
// an environment in the form of os.Environ. Of a name that is there twice the
// last value counts, also where it is empty.
//
// An extra is a pointer to a struct with the tags of caarlos0/env, and here
// with help, oneof:"a b", min and max as well; its names get the prefix APP_
// too, and are then known. A name that Settings has is not to be taken again.
//
// The error is [Problems], all of them, or nil. The Settings are complete in
// either case: a variable with a problem has its default, and where several do
// not fit together, all of them have.
func Load(environ []string, extra ...any) (Settings, error) {
	l := load(environ, extra)
	if len(l.settings.problems) > 0 {
		return *l.settings, l.settings.problems
	}
	return *l.settings, nil
}

// loader is one call of Load.
type loader struct {
	*fields
	settings *Settings
	environ  map[string]string // without empty values
}

func load(environ []string, extra []any) *loader {
	s, own := &Settings{set: map[string]bool{}}, &strictness{}
	l := &loader{fields: fieldsOf(s, own, extra), settings: s, environ: map[string]string{}}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		l.environ[name] = value
		if value == "" {
			delete(l.environ, name)
		}
	}
	for name := range l.environ {
		if isOurs(name) {
			s.set[name] = true
		}
	}
	for _, v := range l.list {
		l.fill(v)
	}
	l.checkPaths()
	l.checkShutdown()
	l.checkRedis()
	l.checkUnknown(own.Strict)
	if s.Probes.MetricsPath == "none" {
		s.Probes.MetricsPath = ""
	}
	s.problems = l.sorted()
	return l
}

// fill sets one field, from the default where the environment has no value or
// a wrong one.
func (l *loader) fill(v *variable) {
	if v.fromFile() {
		l.readSecret(v)
	}
	value := l.environ[v.name]
	why, allowed := whyServiceLink(v.name), v.allowed()
	if !isServiceLink(v, value) {
		why, allowed = v.parse(l.environ)
	}
	if why != "" {
		l.fail(v, why, allowed)
	}
}

// fail reports a problem with a variable's value and puts the default in force.
func (l *loader) fail(v *variable, why, allowed string) {
	p := Problem{Var: v.name, Why: why, Allowed: allowed}
	if value := l.environ[v.name]; !v.secret() && !maySecret(value) {
		p.Value = value
	}
	l.failAs(v, p)
}

func (l *loader) failAs(v *variable, p Problem) {
	l.problems = append(l.problems, p)
	v.bad = true
	l.reset(v)
}

// reset puts the default in force, the zero value where there is none and the
// environment's was taken before.
func (l *loader) reset(v *variable) {
	if v.text != v.def {
		v.field.SetZero()
		v.bad = true
	}
	v.text = v.def
	// A default cannot be a problem of the environment; that ours are none is
	// what the tests say.
	_, _ = v.parse(map[string]string{})
}

// checkPaths keeps the probes and the metrics on paths of their own.
func (l *loader) checkPaths() {
	paths := []*variable{l.byName["APP_HEALTH_CHECK_PATH"], l.byName["APP_READINESS_CHECK_PATH"], l.byName["APP_METRICS_PATH"]}
	var clash []*variable
	for i, a := range paths {
		for _, b := range paths[i+1:] {
			if a.text != b.text {
				continue
			}
			// Two defaults differ, so one of them is set to something else. That is
			// the one to change.
			if b.text == b.def {
				a, b = b, a
			}
			l.problems = append(l.problems, Problem{Var: b.name, Value: b.text, Why: "the same as " + a.name, Allowed: "a path of its own"})
			clash = append(clash, paths...)
		}
	}
	for _, v := range clash {
		l.reset(v)
	}
}

// checkShutdown keeps the budgets of a stop within what the platform grants.
func (l *loader) checkShutdown() {
	s := l.settings.Shutdown
	need := s.DrainDelay + s.Timeout + stopMargin
	if need <= s.Grace {
		return
	}
	l.failAs(l.byName["APP_SHUTDOWN_GRACE"], Problem{
		Var: "APP_SHUTDOWN_GRACE", Value: formatDuration(s.Grace),
		Why: fmt.Sprintf("shorter than APP_DRAIN_DELAY=%s, APP_SHUTDOWN_TIMEOUT=%s and %s for the rest",
			formatDuration(s.DrainDelay), formatDuration(s.Timeout), formatDuration(stopMargin)),
		Allowed: formatDuration(need) + " or more, or shorter ones there",
	})
	for _, name := range []string{"APP_DRAIN_DELAY", "APP_SHUTDOWN_TIMEOUT"} {
		l.reset(l.byName[name])
	}
}

// sorted are the problems in the order of the variables; those of none come
// last.
func (l *loader) sorted() Problems {
	place := make(map[string]int, len(l.list))
	for i, v := range l.list {
		place[v.name] = i
		place[v.name+"_FILE"] = i
	}
	at := func(p Problem) int {
		if i, ok := place[p.Var]; ok {
			return i
		}
		return len(l.list)
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int { return at(a) - at(b) })
	return l.problems
}
