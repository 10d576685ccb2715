package mysqlfabric

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// notSaid are messages that nobody hears in Go, by a part of them, and why.
var notSaid = map[string]string{
	"from the first fabric_event_fd on": "events are read when that has been called",
	"see fabric_key_text()":             "the length of a string is no mistake of the program",
	"make it with fabric_key_int":       "keys are made by the module",
	"make them with fabric_keys_int":    "so are lists of keys",
	"outside FABRIC_LOG_ERROR to":       "levels are set by the module",
	"none of FABRIC_SCOPE_LOCAL":        "scopes are set by the module",
	"none of FABRIC_COMPAT_SERVER":      "there is one, and an option for it",
	"fabric_options_set_idle_after_ms":  "there is no such option",
	"fabric_options_set_event_callback": "events are read from their descriptor",
}

var (
	ofRust = regexp.MustCompile(`(?s)//[^\n]*|'(?:\\.|[^\\'\n])'|r#".*?"#|"((?:[^"\\]|\\.)*)"`)
	ofC    = regexp.MustCompile(`\b(?:fabric_[a-z0-9_]+|FABRIC_[A-Z_]+)\b`)
)

// literals are the string literals of the library but those of its tests.
func literals(t *testing.T) (found []string) {
	continued := regexp.MustCompile(`\\\n\s*`)
	err := filepath.WalkDir("../../src", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "tests.rs" || entry.Name() == "testing.rs" {
			return err
		}
		text, err := os.ReadFile(path)
		code, _, _ := strings.Cut(string(text), "\n#[cfg(test)]\nmod tests {")
		for _, match := range ofRust.FindAllStringSubmatch(code, -1) {
			found = append(found, continued.ReplaceAllString(match[1], ""))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// exported are the names of the package.
func exported(t *testing.T) map[string]bool {
	found := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			switch of := node.(type) {
			case *ast.FuncDecl:
				found[of.Name.Name] = true
				return false
			case *ast.TypeSpec:
				found[of.Name.Name] = true
			case *ast.ValueSpec:
				for _, name := range of.Names {
					found[name.Name] = true
				}
			}
			return true
		})
	}
	return found
}

func TestMessagesSpeakOfGo(t *testing.T) {
	header, err := os.ReadFile("../../include/mysqlfabric.h")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, match := range regexp.MustCompile(`\b(fabric_\w+)\(|#define (FABRIC_\w+) `).FindAllStringSubmatch(string(header), -1) {
		known[match[1]+match[2]] = true
	}
	words := regexp.MustCompile(`\b[A-Z][a-z]\w+`)
	names, all := exported(t), literals(t)
	count, said := 0, map[string]bool{}
	for _, literal := range all {
		isNamed := false
		for _, name := range ofC.FindAllString(literal, -1) {
			// By itself a name says which function it is, and stands before what is wrong with an option.
			isNamed = isNamed || known[name] && (literal != name || strings.HasPrefix(name, "fabric_options_"))
		}
		for part := range notSaid {
			if strings.Contains(literal, part) {
				said[part], isNamed = true, false
			}
		}
		if !isNamed {
			continue
		}
		count++
		own := inGo(literal)
		for _, name := range ofC.FindAllString(own, -1) {
			if known[name] {
				t.Errorf("%s has no name in Go: %s", name, own)
			}
		}
		before := map[string]bool{}
		for _, word := range words.FindAllString(literal, -1) {
			before[word] = true
		}
		for _, word := range words.FindAllString(own, -1) {
			if !before[word] && !names[word] {
				t.Errorf("there is no %s: %s", word, own)
			}
		}
	}
	if count < 40 {
		t.Errorf("%d messages with names of C: they have moved", count)
	}
	for part := range notSaid {
		if !said[part] {
			t.Errorf("no message has %q any more", part)
		}
	}
}
