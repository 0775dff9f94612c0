package main

import (
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	all := []comparison{{name: "redis/a"}, {name: "redis/b"}, {name: "redisson/a"}, {name: "memory"}}
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"no name chooses all", nil, []string{"redis/a", "redis/b", "redisson/a", "memory"}},
		{"a whole name chooses one", []string{"redis/b"}, []string{"redis/b"}},
		{"the first element chooses what is below it", []string{"redis"}, []string{"redis/a", "redis/b"}},
		{"each runs once and in the order of the list", []string{"memory", "redis/b", "redis"}, []string{"redis/a", "redis/b", "memory"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			chosen, err := choose(all, c.args)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range chosen {
				got = append(got, c.name)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("choose(%q) = %q, want %q", c.args, got, c.want)
			}
		})
	}
}

func TestANameThatChoosesNothingIsAnErrorThatNamesIt(t *testing.T) {
	for _, name := range []string{"redi", "redis/", "redis/c", "/a", ""} {
		if _, err := choose([]comparison{{name: "redis/a"}}, []string{"redis", name}); err == nil || !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Errorf("choose(%q): error %v, want one that names it", name, err)
		}
	}
}
