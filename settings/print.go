package settings

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// invalid stands in the table for a value that is not in force. No value looks
// like it: one with a space is quoted.
const invalid = "invalid, see the problems"

// Table writes every variable, its default and the value in force, one a line:
// what a service prints for "config". Secrets are redacted, and so is a URL
// with a login that stands in another variable. A variable with a problem, or
// one that was set and that [Load] gives up because it does not fit others, has
// "invalid, see the problems" for a value; the problems are Load's to return.
// The error is the writer's.
func Table(w io.Writer, environ []string, extra ...any) error {
	l := load(environ, extra)
	rows := [][]string{{"VARIABLE", "DEFAULT", "VALUE"}}
	for _, v := range l.list {
		value := v.cell(v.text)
		if v.bad {
			value = invalid
		}
		rows = append(rows, []string{v.name, v.cell(v.def), value})
	}
	return writeRows(w, rows)
}

// Usage writes every variable, its default and what it is for, one a line: what
// a service prints for "-h". The error is the writer's.
func Usage(w io.Writer, extra ...any) error {
	fs := fieldsOf(&Settings{}, &strictness{}, extra)
	rows := [][]string{{"VARIABLE", "DEFAULT", "WHAT IT IS"}}
	for _, v := range fs.list {
		rows = append(rows, []string{v.name, v.cell(v.def), v.help()})
	}
	return writeRows(w, rows)
}

// Example is the text of .env.example: every variable with its default, as a
// comment, so that a copy of it changes nothing.
func Example(extra ...any) string {
	fs := fieldsOf(&Settings{}, &strictness{}, extra)
	var b strings.Builder
	b.WriteString("# Every variable of the service, with its default. Copy this file to .env and\n" +
		"# take away the # in front of what you change. The process's environment wins.\n")
	group := ""
	for _, v := range fs.list {
		if v.group != group {
			group = v.group
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		fmt.Fprintf(&b, "\n# %s\n#%s=%s\n", v.help(), v.name, quoted(v.def))
	}
	return b.String()
}

// help is one line about the variable: what for, what is allowed, and what else
// there is to know.
func (v *variable) help() string {
	help := v.sf.Tag.Get("help")
	if choice := v.choice(); choice != "" {
		help += " (" + choice + ")"
	}
	if v.fromFile() {
		help += " (or " + v.name + "_FILE, a file with it)"
	}
	return strings.TrimSpace(help)
}

// cell is a value for a table. A secret shows only whether there is one.
func (v *variable) cell(text string) string {
	switch {
	case text == "":
		return `""`
	case v.secret() || strings.Contains(text, "://") && strings.Contains(text, "@"):
		return Secret(text).String()
	case !plain(text):
		return strconv.Quote(text)
	default:
		return text
	}
}

// quoted is a value as a .env file has it: as it is, in single quotes, between
// which everything stands for itself, or in double ones where it must be.
func quoted(text string) string {
	switch {
	case plain(text) && !strings.ContainsAny(text, "#'$`\\"):
		return text
	case !strings.ContainsAny(text, "'\n"):
		return "'" + text + "'"
	default:
		return strconv.Quote(text)
	}
}

func writeRows(w io.Writer, rows [][]string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(tw, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return tw.Flush()
}
