package fabric

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// A line is one recorded answer of a real server.
type line struct {
	Table   string
	Type    string
	KeyType string `json:"key_type"`
	Key     string
	Group   *string
	Error   string
}

func (l *line) key() *Key {
	if l.KeyType == "int" {
		if value, err := strconv.ParseInt(l.Key, 10, 64); err == nil {
			return Int(value)
		}
		if value, err := strconv.ParseUint(l.Key, 10, 64); err == nil {
			return Uint(value)
		}
	}
	return Text(l.Key)
}

// reason tells why the library may differ from the server; "" says that it may not.
func (l *line) reason(group string, code Code) string {
	text := l.KeyType == "str"
	switch {
	case strings.HasPrefix(l.Type, "RANGE_DATETIME") && code == ErrKeyType && text:
		return "RANGE_DATETIME text in a form that is refused"
	case l.Type == "RANGE" || l.Type == "RANGE_INTEGER":
		switch {
		case code == ErrKeyType && text:
			return "RANGE text that is no plain decimal integer"
		case l.Error == "Shard not enabled" && group == "shard1":
			return "disabled shard: a hole that no dump shows"
		}
	case l.Table == "crm.nonascii":
		for _, r := range l.Key {
			if utf8.RuneLen(r) == 4 {
				return "RANGE_STRING bound outside the BMP matches by its bytes"
			}
		}
	}
	return ""
}

func TestVectors(t *testing.T) {
	d := start(t, "--farm", farm("farm-vectors.json"))
	for at, group := range []string{"global", "shard1", "shard2", "shard3", "shard4"} {
		uuid := fmt.Sprintf("00000000-0000-0000-0000-%012d", at)
		d.command("add_server", group, uuid, "db", "3306", "PRIMARY", "READ_WRITE")
	}
	h := d.handle(long)
	files, err := filepath.Glob(filepath.Join("..", "data", "vectors", "*.jsonl"))
	must(t, err)
	agreed, total, differ := 0, 0, map[string]int{}
	for _, name := range files {
		file, err := os.Open(name)
		must(t, err)
		for lines := bufio.NewScanner(file); lines.Scan(); {
			var l line
			must(t, json.Unmarshal(lines.Bytes(), &l))
			total++
			s, err := h.ShardServer([]string{l.Table}, l.key(), Local, ReadWrite)
			if (l.Group == nil && err != nil) || (l.Group != nil && s.Group == *l.Group) {
				agreed++
				continue
			}
			code := Code(0)
			if err != nil {
				var failure *Error
				if !errors.As(err, &failure) {
					t.Fatal(err)
				}
				code = failure.Code
			}
			why := l.reason(s.Group, code)
			if why == "" {
				t.Fatalf("%+v: %+v %v", l, s, err)
			}
			differ[why]++
		}
		must(t, file.Close())
	}
	t.Logf("%d of %d agree with the server; on purpose otherwise: %v", agreed, total, differ)
	same(t, []int{agreed, total}, []int{16170, 16389})
	same(t, differ, map[string]int{
		"RANGE text that is no plain decimal integer":             87,
		"RANGE_DATETIME text in a form that is refused":           17,
		"RANGE_STRING bound outside the BMP matches by its bytes": 69,
		"disabled shard: a hole that no dump shows":               46,
	})
}

func TestCompatConnectorPython(t *testing.T) {
	d := start(t)
	h := d.handle(func(o *Options) { o.CompatConnectorPython = true })
	same(t, group(t, h, salaries, Int(0)), "shard3")
}
