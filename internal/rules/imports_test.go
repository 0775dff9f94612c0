package rules_test

import (
	"slices"
	"strings"
)

// edge forbids imports: those for which forbids holds, in the packages for which from holds. Tests may import what they
// need to, so an edge is about the other files only.
type edge struct {
	name, why string
	from      func(dir string) bool
	forbids   func(i target) bool
}

// target is what an import leads to: a package of ours, of the standard library, or of somebody else.
type target struct {
	path     string // from our root where it is ours
	own, std bool
}

func edges() []edge {
	integrations := among("cache/httpcache", "cache/ratelimit", "cache/session")
	return []edge{
		{
			"cache, settings and lifecycle import nothing of ours",
			"they are leaves: whoever reads or reuses one of them needs no other, and no cycle can come about",
			among("cache", "settings", "lifecycle"),
			func(i target) bool { return i.own },
		}, {
			"cache and lifecycle import only the standard library",
			"they are the contract that third parties build on, which must not bring anybody's dependencies",
			among("cache", "lifecycle"),
			func(i target) bool { return !i.own && !i.std },
		}, {
			"a backend imports of ours only cache",
			"a backend of ours is written as a third party's is, against the contract alone",
			func(dir string) bool {
				return within(dir, "cache") && dir != "cache" && dir != "cache/tierstore" && dir != "cache/cachetest" && !integrations(dir)
			},
			ownExcept("cache"),
		}, {
			"the tier imports of ours only cache and the two stores that it joins",
			"it is memory in front of Redis and nothing else",
			among("cache/tierstore"),
			ownExcept("cache", "cache/memstore", "cache/redisstore"),
		}, {
			"cachetest imports only cache and the standard library",
			"third parties run it in their own modules, and what it imported would become theirs",
			among("cache/cachetest"),
			func(i target) bool { return !i.std && !(i.own && i.path == "cache") },
		}, {
			"an integration imports of ours only cache",
			"it works with every backend because it knows none",
			integrations,
			ownExcept("cache"),
		}, {
			"an integration does not import Echo",
			"it is func(http.Handler) http.Handler, for any router and for any version of Echo",
			integrations,
			func(i target) bool { return isEcho(i.path) },
		}, {
			"internal imports of ours only cache, settings, lifecycle and internal",
			"app composes these packages, so none of them may know how it is composed",
			func(dir string) bool { return within(dir, "internal") },
			func(i target) bool {
				return i.own && !within(i.path, "cache") && !within(i.path, "internal") && i.path != "settings" && i.path != "lifecycle"
			},
		}, {
			"only cmd, app/apptest and tests import app",
			"app is the top: an import from below would make the whole service one package",
			func(dir string) bool { return !within(dir, "cmd") && !within(dir, "app") },
			func(i target) bool { return i.own && within(i.path, "app") },
		}, {
			"only the packages that speak to Redis import go-redis",
			"a change of the client touches these and no handler: cache/redisstore, cache/tierstore, internal/telemetry, " +
				"internal/redistest, app and what cmd composes",
			func(dir string) bool {
				return !within(dir, "cmd") && !among("cache/redisstore", "cache/tierstore", "internal/telemetry", "internal/redistest", "app")(dir)
			},
			func(i target) bool { return within(i.path, "github.com/redis/go-redis") },
		},
	}
}

func importRules() []rule {
	var rules []rule
	for _, e := range edges() {
		rules = append(rules, rule{e.name, e.why, func(m *module) []string {
			var violations []string
			for _, f := range m.files {
				if f.test || !e.from(f.dir) {
					continue
				}
				for _, spec := range f.syntax.Imports {
					importPath := strings.Trim(spec.Path.Value, "`\"")
					if e.forbids(m.target(importPath)) {
						violations = append(violations, f.at(spec)+": imports "+importPath)
					}
				}
			}
			return violations
		}})
	}
	return rules
}

func (m *module) target(importPath string) target {
	if p, own := m.own(importPath); own {
		return target{path: p, own: true}
	}
	// Only the paths of the standard library have no dot in their first element.
	first, _, _ := strings.Cut(importPath, "/")
	return target{path: importPath, std: !strings.Contains(first, ".")}
}

func among(dirs ...string) func(dir string) bool {
	return func(dir string) bool { return slices.Contains(dirs, dir) }
}

func ownExcept(allowed ...string) func(i target) bool {
	return func(i target) bool { return i.own && !slices.Contains(allowed, i.path) }
}

func importExamples() []example {
	imports := func(paths ...string) string {
		text := "package p\n"
		for _, p := range paths {
			text += "import _ \"" + p + "\"\n"
		}
		return text
	}
	const redis = "github.com/redis/go-redis/v9"
	return []example{
		{
			"one leaf imports another", "cache, settings and lifecycle import nothing of ours",
			map[string]string{"settings/a.go": imports("os", "example.com/m/cache")},
			[]string{"settings/a.go:3: imports example.com/m/cache"},
		}, {
			"leaves import others' packages, their tests ours", "cache, settings and lifecycle import nothing of ours",
			map[string]string{"settings/a.go": imports("os", "github.com/caarlos0/env/v11"), "cache/a_test.go": imports("example.com/m/cache/memstore")},
			nil,
		}, {
			"lifecycle imports a module", "cache and lifecycle import only the standard library",
			map[string]string{"lifecycle/a.go": imports("golang.org/x/sync/errgroup")},
			[]string{"lifecycle/a.go:2: imports golang.org/x/sync/errgroup"},
		}, {
			"settings imports a module, cache log/slog", "cache and lifecycle import only the standard library",
			map[string]string{"settings/a.go": imports("github.com/caarlos0/env/v11"), "cache/a.go": imports("log/slog")},
			nil,
		}, {
			"one backend imports another", "a backend imports of ours only cache",
			map[string]string{"cache/filestore/a.go": imports("example.com/m/cache/memstore")},
			[]string{"cache/filestore/a.go:2: imports example.com/m/cache/memstore"},
		}, {
			"a backend imports cache and its client", "a backend imports of ours only cache",
			map[string]string{"cache/redisstore/a.go": imports("example.com/m/cache", redis)},
			nil,
		}, {
			"the tier imports files", "the tier imports of ours only cache and the two stores that it joins",
			map[string]string{"cache/tierstore/a.go": imports("example.com/m/cache/filestore")},
			[]string{"cache/tierstore/a.go:2: imports example.com/m/cache/filestore"},
		}, {
			"the tier imports its stores", "the tier imports of ours only cache and the two stores that it joins",
			map[string]string{"cache/tierstore/a.go": imports("example.com/m/cache", "example.com/m/cache/memstore", "example.com/m/cache/redisstore")},
			nil,
		}, {
			"cachetest imports a module and a package of ours", "cachetest imports only cache and the standard library",
			map[string]string{"cache/cachetest/a.go": imports("github.com/google/go-cmp/cmp", "example.com/m/internal/wait")},
			[]string{"cache/cachetest/a.go:2: imports github.com/google/go-cmp/cmp", "cache/cachetest/a.go:3: imports example.com/m/internal/wait"},
		}, {
			"cachetest imports cache and testing", "cachetest imports only cache and the standard library",
			map[string]string{"cache/cachetest/a.go": imports("example.com/m/cache", "testing")},
			nil,
		}, {
			"sessions import a backend", "an integration imports of ours only cache",
			map[string]string{"cache/session/a.go": imports("example.com/m/cache/redisstore")},
			[]string{"cache/session/a.go:2: imports example.com/m/cache/redisstore"},
		}, {
			"sessions import cache", "an integration imports of ours only cache",
			map[string]string{"cache/session/a.go": imports("example.com/m/cache", "net/http")},
			nil,
		}, {
			"rate limits import Echo, of whatever version", "an integration does not import Echo",
			map[string]string{"cache/ratelimit/a.go": imports("github.com/labstack/echo/v4/middleware", "github.com/labstack/echo/v5")},
			[]string{"cache/ratelimit/a.go:2: imports github.com/labstack/echo/v4/middleware", "cache/ratelimit/a.go:3: imports github.com/labstack/echo/v5"},
		}, {
			"internal/web imports Echo", "an integration does not import Echo",
			map[string]string{"internal/web/a.go": imports("github.com/labstack/echo/v4"), "cache/httpcache/a.go": imports("net/http")},
			nil,
		}, {
			"health imports app", "internal imports of ours only cache, settings, lifecycle and internal",
			map[string]string{"internal/health/a.go": imports("example.com/m/app")},
			[]string{"internal/health/a.go:2: imports example.com/m/app"},
		}, {
			"telemetry imports what is below it", "internal imports of ours only cache, settings, lifecycle and internal",
			map[string]string{"internal/telemetry/a.go": imports("example.com/m/cache/memstore", "example.com/m/settings", "example.com/m/lifecycle", "example.com/m/internal/web")},
			nil,
		}, {
			"the example feature imports app", "only cmd, app/apptest and tests import app",
			map[string]string{"internal/items/a.go": imports("example.com/m/app"), "tool/a.go": imports("example.com/m/app/apptest")},
			[]string{"internal/items/a.go:2: imports example.com/m/app", "tool/a.go:2: imports example.com/m/app/apptest"},
		}, {
			"main, the kit and a test import app, another module is called app", "only cmd, app/apptest and tests import app",
			map[string]string{
				"cmd/server/main.go": imports("example.com/m/app"), "app/apptest/a.go": imports("example.com/m/app"),
				"internal/items/a_test.go": imports("example.com/m/app"), "cache/a.go": imports("example.com/m/apple", "example.com/app"),
			},
			nil,
		}, {
			"a handler imports go-redis", "only the packages that speak to Redis import go-redis",
			map[string]string{"internal/items/a.go": imports(redis)},
			[]string{"internal/items/a.go:2: imports " + redis},
		}, {
			"the store, the tests' server and a test import go-redis", "only the packages that speak to Redis import go-redis",
			map[string]string{"cache/redisstore/a.go": imports(redis), "internal/redistest/a.go": imports(redis), "cache/a_test.go": imports(redis)},
			nil,
		},
	}
}
