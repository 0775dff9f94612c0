package settings_test

import (
	"strings"
	"testing"

	"github.com/larder-go/larder/settings"
)

func TestAProblemIsOneLine(t *testing.T) {
	for _, tt := range []struct {
		name    string
		problem settings.Problem
		want    string
	}{
		{"with everything", settings.Problem{Var: "APP_X", Value: "1", Why: "wrong", Allowed: "2"}, "APP_X=1: wrong; allowed: 2"},
		{"without a value", settings.Problem{Var: "APP_X", Why: "wrong", Allowed: "2"}, "APP_X: wrong; allowed: 2"},
		{"without what is allowed", settings.Problem{Var: "APP_X", Value: "1", Why: "wrong"}, "APP_X=1: wrong"},
		{"with a URL for a value", settings.Problem{Var: "APP_X", Value: "redis://:hunter2@h", Why: "wrong"}, "APP_X: wrong"},
		{"with a login for a value", settings.Problem{Var: "APP_X", Value: "me:hunter2@h", Why: "wrong"}, "APP_X: wrong"},
		{"with a newline in the value", settings.Problem{Var: "APP_X", Value: "a\nb", Why: "wrong"}, `APP_X="a\nb": wrong`},
		{"with an escape sequence in the value", settings.Problem{Var: "APP_X", Value: "\x1b[2J", Why: "wrong"}, `APP_X="\x1b[2J": wrong`},
		{"with bytes that are no text", settings.Problem{Var: "APP_X", Value: "\xff", Why: "wrong"}, `APP_X="\xff": wrong`},
		{"with a long value", settings.Problem{Var: "APP_X", Value: strings.Repeat("a", 65), Why: "wrong"}, "APP_X=" + strings.Repeat("a", 64) + "…: wrong"},
		{"with a long value cut between characters", settings.Problem{Var: "APP_X", Value: strings.Repeat("é", 40) + "a", Why: "wrong"}, "APP_X=" + strings.Repeat("é", 32) + "…: wrong"},
		{"with a long value cut inside of a character", settings.Problem{Var: "APP_X", Value: "a" + strings.Repeat("é", 40), Why: "wrong"}, "APP_X=a" + strings.Repeat("é", 31) + "…: wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.problem.Error(); got != tt.want {
				t.Errorf("Error() = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestProblemsAreALineEach(t *testing.T) {
	ps := settings.Problems{{Var: "APP_X", Why: "wrong"}, {Var: "APP_Y", Value: "1", Why: "wrong too"}}
	if got, want := ps.Error(), "APP_X: wrong\nAPP_Y=1: wrong too"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestWhoChangesTheProblemsChangesACopy(t *testing.T) {
	s, _ := settings.Load([]string{"APP_PORT=x", "APP_STRIPE_KEY=x"})
	s.Problems()[0].Var, s.Warnings()[0] = "changed", "changed"
	if s.Problems()[0].Var != "APP_PORT" || s.Warnings()[0] == "changed" {
		t.Errorf("the settings have changed: %v, %q", s.Problems(), s.Warnings())
	}
}
