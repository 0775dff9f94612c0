package rules_test

import (
	"go/ast"
	"go/token"
)

func isEcho(importPath string) bool { return within(importPath, "github.com/labstack/echo") }

func echoRules() []rule {
	return []rule{{
		"only app, internal/web, internal/items and cmd have echo.Context in an exported signature",
		"a move to the next version of Echo is to touch these packages only; elsewhere take interface{ Request() *http.Request } " +
			"or an http.Handler. echo.HandlerFunc and echo.MiddlewareFunc are signatures with an echo.Context",
		func(m *module) []string {
			var violations []string
			for _, f := range m.files {
				if f.test || within(f.dir, "cmd") || among("app", "internal/web", "internal/items")(f.dir) {
					continue
				}
				for name, part := range exported(f.syntax) {
					ast.Inspect(part, func(n ast.Node) bool {
						if s, ok := f.selects(n, isEcho); ok && (s == "Context" || s == "HandlerFunc" || s == "MiddlewareFunc") {
							violations = append(violations, f.at(n)+": "+name+" has echo."+s)
						}
						return true
					})
				}
			}
			return violations
		},
	}, {
		"nothing uses echo.WrapMiddleware",
		"there a handler's error is written only after the wrapped middleware has returned, so a cache or a session never " +
			"sees the response; internal/web has the adapter that calls c.Error inside",
		func(m *module) []string {
			var violations []string
			for _, f := range m.files {
				ast.Inspect(f.syntax, func(n ast.Node) bool {
					if s, ok := f.selects(n, isEcho); ok && s == "WrapMiddleware" {
						violations = append(violations, f.at(n)+": uses echo.WrapMiddleware")
					}
					return true
				})
			}
			return violations
		},
	}}
}

// exported yields the exported names of a file with the parts of their declarations that others see: a function without
// its body, a struct's exported fields.
func exported(syntax *ast.File) func(yield func(string, ast.Node) bool) {
	return func(yield func(string, ast.Node) bool) {
		for _, decl := range syntax.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv)) && !yield(d.Name.Name, d.Type) {
					return
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if !yieldSpec(d.Tok, spec, yield) {
						return
					}
				}
			}
		}
	}
}

func yieldSpec(kind token.Token, spec ast.Spec, yield func(string, ast.Node) bool) bool {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return true
		}
		structure, ok := s.Type.(*ast.StructType)
		if !ok {
			return yield(s.Name.Name, s.Type)
		}
		for _, field := range structure.Fields.List {
			if (len(field.Names) == 0 || field.Names[0].IsExported()) && !yield(s.Name.Name, field.Type) {
				return false
			}
		}
	case *ast.ValueSpec:
		if s.Type != nil && s.Names[0].IsExported() {
			return yield(kind.String()+" "+s.Names[0].Name, s.Type)
		}
	}
	return true
}

func exportedReceiver(receiver *ast.FieldList) bool {
	found := false
	ast.Inspect(receiver.List[0].Type, func(n ast.Node) bool {
		name, ok := n.(*ast.Ident)
		found = found || ok && name.IsExported()
		return !ok
	})
	return found
}

func echoExamples() []example {
	const (
		signature = "only app, internal/web, internal/items and cmd have echo.Context in an exported signature"
		echo      = "package p\nimport \"github.com/labstack/echo/v4\"\n"
	)
	return []example{
		{
			"exported functions, methods, fields and types have it", signature,
			map[string]string{"cache/a.go": echo + "func F(c echo.Context) {}\ntype T struct { Next echo.HandlerFunc; own echo.Context }\n" +
				"func (t *T) M() (int, echo.MiddlewareFunc) { return 0, nil }\ntype I interface { M(echo.Context) }\ntype A = echo.Context\n"},
			[]string{"cache/a.go:3: F has echo.Context", "cache/a.go:4: T has echo.HandlerFunc", "cache/a.go:5: M has echo.MiddlewareFunc",
				"cache/a.go:6: I has echo.Context", "cache/a.go:7: A has echo.Context"},
		}, {
			"an import under another name hides nothing", signature,
			map[string]string{"internal/health/a.go": "package p\nimport e \"github.com/labstack/echo/v5\"\nfunc F(*e.Context) {}\n"},
			[]string{"internal/health/a.go:3: F has echo.Context"},
		}, {
			"unexported names, bodies, tests and the three packages have it", signature,
			map[string]string{
				"cache/a.go": echo + "func f(c echo.Context) {}\nfunc F(r interface{ Echo() *echo.Echo }) { var c echo.Context; _ = c }\n" +
					"type t struct { C echo.Context }\nfunc (t) M(echo.Context) {}\ntype T struct { c echo.Context }\n",
				"cache/a_test.go": echo + "func F(c echo.Context) {}\n", "app/a.go": echo + "func F(c echo.Context) {}\n",
				"internal/web/a.go": echo + "func F(c echo.Context) {}\n", "internal/items/a.go": echo + "func F(c echo.Context) {}\n",
				"cmd/server/main.go": echo + "func F(c echo.Context) {}\n",
			},
			nil,
		}, {
			"a test uses it", "nothing uses echo.WrapMiddleware",
			map[string]string{"internal/web/a_test.go": echo + "func f() { echo.New().Use(echo.WrapMiddleware(nil)) }\n"},
			[]string{"internal/web/a_test.go:3: uses echo.WrapMiddleware"},
		}, {
			"a function of ours has the name", "nothing uses echo.WrapMiddleware",
			map[string]string{"internal/web/a.go": echo + "type a struct{}\nfunc f(web a) { web.WrapMiddleware() }\n"},
			nil,
		},
	}
}
