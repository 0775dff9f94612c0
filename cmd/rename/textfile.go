package main

import (
	"fmt"
	"strings"

	"golang.org/x/mod/modfile"
)

// rewriteMod returns a go.mod file with our module, and what a nested module says of it, renamed.
func (r *renaming) rewriteMod(name string, content []byte) ([]byte, error) {
	mod, err := modfile.Parse(name, content, nil)
	if err != nil {
		return nil, err // It names the file.
	}
	if mod.Module != nil {
		if renamed, ours := r.importPath(mod.Module.Mod.Path); ours {
			if err := mod.AddModuleStmt(renamed); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	// Edited in place, so that comments stay where they are.
	for _, require := range mod.Require {
		r.rewriteLine(require.Syntax, require.Mod.Path)
	}
	for _, replace := range mod.Replace {
		r.rewriteLine(replace.Syntax, replace.Old.Path)
	}
	return modfile.Format(mod.Syntax), nil
}

// rewriteLine renames the first word of a directive that is old, if that is ours.
func (r *renaming) rewriteLine(line *modfile.Line, old string) {
	renamed, ours := r.importPath(old)
	if !ours {
		return
	}
	for i, word := range line.Token {
		if word == old {
			line.Token[i] = modfile.AutoQuote(renamed)
			return
		}
	}
}

// rewriteText returns a text with the module's path renamed, and with the service's name where the project names itself: in
// the title of the README and in APP_NAME.
func (r *renaming) rewriteText(name string, content []byte) ([]byte, error) {
	lines := strings.SplitAfter(r.rewritePaths(string(content)), "\n")
	title := name == "README.md"
	for i, line := range lines {
		switch {
		case title && strings.HasPrefix(line, "# "):
			lines[i] = "# " + replaceWord(strings.TrimPrefix(line, "# "), r.oldName, r.newName)
			title = false
		case strings.TrimSpace(strings.TrimLeft(line, "# ")) == "APP_NAME="+r.oldName:
			lines[i] = strings.Replace(line, "APP_NAME="+r.oldName, "APP_NAME="+r.newName, 1)
		}
	}
	return []byte(strings.Join(lines, "")), nil
}

// rewritePaths renames the module's path, and package paths below it, where they stand for what this clone is called. In a URL
// or with a version they tell where it came from, and stay.
func (r *renaming) rewritePaths(text string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, r.oldPath)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if endsPath(before) || continuesPath(after) {
			b.WriteString(r.oldPath)
		} else {
			b.WriteString(r.newPath)
		}
		text = after
	}
}

// endsPath tells whether what follows before is the rest of a longer path or of a URL.
func endsPath(before string) bool {
	return before != "" && (isPathByte(before[len(before)-1]) || strings.HasSuffix(before, "/"))
}

// continuesPath tells whether after goes on with the path's last element, or names a version of it. A dot does unless it ends
// a sentence.
func continuesPath(after string) bool {
	rest := strings.TrimLeft(after, ".")
	if rest != after {
		return rest != "" && isPathByte(rest[0])
	}
	return after != "" && (isPathByte(after[0]) || after[0] == '@')
}

// isPathByte tells whether a byte may be part of an element of a module's path (golang.org/ref/mod#go-mod-file-ident).
func isPathByte(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	return strings.IndexByte("-._~", b) >= 0
}

// replaceWord returns text with the first word that is old, in any case, replaced.
func replaceWord(text, old, renamed string) string {
	for start := 0; start+len(old) <= len(text); start++ {
		end := start + len(old)
		if strings.EqualFold(text[start:end], old) &&
			(start == 0 || !isPathByte(text[start-1])) && (end == len(text) || !isPathByte(text[end])) {
			return text[:start] + renamed + text[end:]
		}
	}
	return text
}
