package rules_test

import (
	"fmt"
	"slices"
	"strings"
)

const (
	mainFile  = "cmd/server/main.go"
	mainLines = 40
)

// visibleRoot is all that lies in the root, beside dotfiles.
func visibleRoot() []string {
	return []string{
		".env.example", "LICENSE", "README.md", "Taskfile.yml", "app", "cache", "cmd", "go.mod", "go.sum", "internal", "lifecycle", "settings",
	}
}

func rootRules() []rule {
	return []rule{{
		"the visible root is what the README shows",
		"whoever clones the service sees at one glance where everything is; what is new has a place in cmd, app, cache or internal",
		func(m *module) []string {
			var violations []string
			for _, name := range m.root {
				if !slices.Contains(visibleRoot(), name) && !strings.HasPrefix(name, ".") {
					violations = append(violations, name+": does not belong in the root")
				}
			}
			for _, name := range visibleRoot() {
				if !slices.Contains(m.root, name) {
					violations = append(violations, name+": is missing in the root")
				}
			}
			return violations
		},
	}, {
		"main.go has at most 40 lines",
		"it is the composition root, which a user reads first and edits: it is to be understood in a minute",
		func(m *module) []string {
			i := slices.IndexFunc(m.files, func(f *file) bool { return f.path == mainFile })
			if i < 0 {
				return []string{mainFile + ": is missing"}
			}
			if n := m.files[i].lines; n > mainLines {
				return []string{fmt.Sprintf("%s: has %d lines", mainFile, n)}
			}
			return nil
		},
	}}
}

func rootExamples() []example {
	const root, short = "the visible root is what the README shows", "main.go has at most 40 lines"
	whole := func(more ...string) map[string]string {
		files := map[string]string{}
		for _, name := range append(visibleRoot(), more...) {
			files[name] = ""
		}
		return files
	}
	withoutLicense := whole("pkg/a.txt")
	delete(withoutLicense, "LICENSE")
	return []example{
		{"one is missing, another is too much", root, withoutLicense, []string{"LICENSE: is missing in the root", "pkg: does not belong in the root"}},
		{"all is there, and dotfiles", root, whole(".gitignore", ".github/workflows/ci.yml"), nil},
		{"41 lines", short, map[string]string{mainFile: "package main\n" + strings.Repeat("\n", 40)}, []string{mainFile + ": has 41 lines"}},
		{"none", short, map[string]string{"cmd/other/main.go": "package main\n"}, []string{mainFile + ": is missing"}},
		{"40 lines", short, map[string]string{mainFile: "package main\n" + strings.Repeat("\n", 39)}, nil},
	}
}
