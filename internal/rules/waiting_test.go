package rules_test

import "go/ast"

// testing tells whether f is a test, or a package that tests use to wait: one that imports testing. Two of those wait by
// themselves: internal/wait, whose purpose that is, and cachetest, which may import nothing of ours but cache.
func (f *file) testing() bool {
	return f.test || f.importsPath("testing") && f.dir != "internal/wait" && f.dir != "cache/cachetest"
}

func testRules() []rule {
	return []rule{{
		"tests wait in real time only through internal/wait",
		"a sleep is too short on a slow machine and too long on all others; in a synctest bubble time.After costs nothing",
		func(m *module) []string {
			var violations []string
			for _, f := range m.files {
				if !f.testing() {
					continue
				}
				inBubbles := f.importsPath("testing/synctest")
				ast.Inspect(f.syntax, func(n ast.Node) bool {
					e, ok := n.(ast.Expr)
					if !ok {
						return true
					}
					switch name, _ := f.selects(e, among("time")); name {
					case "Sleep":
						violations = append(violations, f.at(n)+": time.Sleep")
					case "After", "Tick", "NewTimer", "NewTicker":
						if !inBubbles {
							violations = append(violations, f.at(n)+": time."+name+" in a file without testing/synctest")
						}
					}
					return true
				})
			}
			return violations
		},
	}, {
		"no test is skipped",
		"a skipped test reads as a passed one; a test whose surroundings lack something fails and says how to get it",
		func(m *module) []string {
			var violations []string
			for _, f := range m.files {
				if !f.testing() && f.dir != "cache/cachetest" {
					continue
				}
				names := f.testNames()
				ast.Inspect(f.syntax, func(n ast.Node) bool {
					selector, ok := n.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					if s := selector.Sel.Name; (s == "Skip" || s == "Skipf" || s == "SkipNow") && names[lastName(selector.X)] {
						violations = append(violations, f.at(n)+": "+lastName(selector.X)+"."+s)
					}
					return true
				})
			}
			return violations
		},
	}}
}

// testNames are the names of f's parameters and fields whose type is one of package testing.
func (f *file) testNames() map[string]bool {
	names := map[string]bool{}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		e := field.Type
		if pointer, ok := e.(*ast.StarExpr); ok {
			e = pointer.X
		}
		if name, ok := f.selects(e, among("testing")); ok {
			names[name] = names[name] || len(field.Names) == 0
			for _, n := range field.Names {
				names[n.Name] = true
			}
		}
		return true
	})
	return names
}

// lastName is the name that e ends in: t for t, and for s.t.
func lastName(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	}
	return ""
}

func testExamples() []example {
	const (
		wait = "tests wait in real time only through internal/wait"
		skip = "no test is skipped"
	)
	return []example{
		{
			"a test and a kit for tests do", wait,
			map[string]string{
				"a/a_test.go": "package a\nimport \"time\"\nfunc f() { time.Sleep(1) }\nfunc g() { <-time.After(1) }\nfunc h() { time.NewTimer(1); time.Tick(1) }\n",
				"a/b_test.go": "package a\nimport (\"testing/synctest\"; \"time\")\nfunc s() { synctest.Wait(); time.Sleep(1) }\n",
				"b/b.go":      "package b\nimport (\"testing\"; \"time\")\nfunc f(testing.TB) { time.Sleep(1) }\n",
			},
			[]string{"a/a_test.go:3: time.Sleep", "a/a_test.go:4: time.After in a file without testing/synctest",
				"a/a_test.go:5: time.NewTimer in a file without testing/synctest", "a/a_test.go:5: time.Tick in a file without testing/synctest",
				"a/b_test.go:3: time.Sleep", "b/b.go:3: time.Sleep"},
		}, {
			"a bubble, the place for it, the kit of backends, and a program", wait,
			map[string]string{
				"a/a_test.go":               "package a\nimport (\"testing/synctest\"; \"time\")\nfunc f() { synctest.Wait(); <-time.After(1) }\n",
				"internal/wait/wait.go":     "package wait\nimport (\"testing\"; \"time\")\nfunc Until(testing.TB) { time.Sleep(1) }\n",
				"cache/cachetest/a.go":      "package cachetest\nimport (\"testing\"; \"time\")\nfunc f(testing.TB) { time.Sleep(1) }\n",
				"cache/redisstore/retry.go": "package redisstore\nimport \"time\"\nfunc f() { time.Sleep(1) }\n",
			},
			nil,
		}, {
			"by a parameter, a field, an embedded one, in the kit of backends", skip,
			map[string]string{
				"a/a_test.go":          "package a\nimport \"testing\"\nfunc f(x *testing.T) { x.Skip() }\ntype s struct { tb testing.TB }\nfunc (s s) f() { s.tb.SkipNow() }\ntype e struct { *testing.T }\nfunc (e e) f() { e.T.Skipf(\"\") }\n",
				"cache/cachetest/a.go": "package cachetest\nimport \"testing\"\nfunc f(t *testing.T) { t.Skip() }\n",
			},
			[]string{"a/a_test.go:3: x.Skip", "a/a_test.go:5: tb.SkipNow", "a/a_test.go:7: T.Skipf", "cache/cachetest/a.go:3: t.Skip"},
		}, {
			"something else skips", skip,
			map[string]string{"a/a_test.go": "package a\nimport \"testing\"\nfunc f(t *testing.T, d interface{ Skip() }) { d.Skip(); t.Fatal() }\n"},
			nil,
		},
	}
}
