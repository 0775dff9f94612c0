package rules_test

import (
	"slices"
	"strings"
	"testing"
)

// rule is one rule of the house. Its check returns what breaks it, each as "place: what", and reads nothing but the
// module that it is given, so that a test can give it a module that breaks it.
type rule struct {
	name  string // a sentence
	why   string
	check func(m *module) []string
}

func house() []rule {
	return slices.Concat(importRules(), echoRules(), declarationRules(), testRules(), rootRules())
}

func TestHouse(t *testing.T) {
	m := thisModule(t)
	for _, r := range house() {
		t.Run(r.name, func(t *testing.T) {
			for _, violation := range r.check(m) {
				t.Errorf("%s\n\trule: %s\n\twhy:  %s", violation, r.name, r.why)
			}
		})
	}
}

// example is a module, given as the text of its files, and what the rule of that name says about it.
type example struct {
	name  string // a sentence
	rule  string
	files map[string]string
	want  []string // the violations; none: the module keeps the rule
}

func examples() []example {
	return slices.Concat(importExamples(), echoExamples(), declarationExamples(), testExamples(), rootExamples())
}

func TestRulesJudgeTheirExamples(t *testing.T) {
	for _, e := range examples() {
		t.Run(e.rule+"/"+e.name, func(t *testing.T) {
			got := ruleNamed(t, e.rule).check(parsed(t, e.files))
			slices.Sort(got)
			if !slices.Equal(got, e.want) {
				t.Errorf("violations:\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(e.want, "\n\t"))
			}
		})
	}
}

func TestEveryRuleCanBeBrokenAndKept(t *testing.T) {
	for _, r := range house() {
		has := func(broken bool) bool {
			return slices.ContainsFunc(examples(), func(e example) bool { return e.rule == r.name && len(e.want) > 0 == broken })
		}
		if !has(true) || !has(false) {
			t.Errorf("rule %q needs an example that breaks it and one that keeps it", r.name)
		}
		if r.why == "" {
			t.Errorf("rule %q has no reason", r.name)
		}
	}
}

func ruleNamed(t *testing.T, name string) rule {
	t.Helper()
	rules := house()
	i := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
	if i < 0 {
		t.Fatalf("there is no rule %q", name)
	}
	return rules[i]
}
