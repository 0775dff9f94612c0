package main

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// An edit replaces the bytes from start to end.
type edit struct {
	start, end int
	text       string
}

// rewriteGo returns a Go file with its imports, and the default of APP_NAME, renamed. Strings and comments that merely
// mention the module stay as they are. A file that changes is formatted, since its imports may sort differently.
func (r *renaming) rewriteGo(name string, content []byte) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, content, parser.SkipObjectResolution)
	if err != nil {
		return nil, err // It names the file.
	}
	var edits []edit
	replace := func(literal *ast.BasicLit, text string) {
		if text == literal.Value {
			return
		}
		start := fset.Position(literal.Pos()).Offset
		edits = append(edits, edit{start, start + len(literal.Value), text})
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ImportSpec:
			old, err := strconv.Unquote(node.Path.Value)
			if renamed, ours := r.importPath(old); err == nil && ours {
				replace(node.Path, strconv.Quote(renamed))
			}
		case *ast.Field:
			if node.Tag != nil {
				replace(node.Tag, r.rewriteTag(node.Tag.Value))
			}
		}
		return true
	})
	if len(edits) == 0 {
		return content, nil
	}
	for _, e := range slices.Backward(edits) { // From the end, so that the offsets before it stay right.
		content = slices.Replace(slices.Clone(content), e.start, e.end, []byte(e.text)...)
	}
	formatted, err := format.Source(content)
	if err != nil {
		return nil, fmt.Errorf("formatting %s: %w", name, err)
	}
	return formatted, nil
}

// rewriteTag returns the literal of a struct tag with the default of the variable APP_NAME renamed.
func (r *renaming) rewriteTag(literal string) string {
	tag, err := strconv.Unquote(literal)
	if err != nil {
		return literal
	}
	variable, _, _ := strings.Cut(reflect.StructTag(tag).Get("env"), ",")
	if variable != "NAME" && variable != "APP_NAME" {
		return literal
	}
	return strings.Replace(literal, `envDefault:"`+r.oldName+`"`, `envDefault:"`+r.newName+`"`, 1)
}
