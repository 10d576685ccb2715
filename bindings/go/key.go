package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"reflect"
	"time"
)

// key is a key as C takes it; kind 0 is none.
type key struct {
	kind    C.int32_t
	integer C.int64_t
	text    string
}

func intKey(value int64) key { return key{kind: C.FABRIC_KEY_INT, integer: C.int64_t(value)} }

func uintKey(value uint64) key { return key{kind: C.FABRIC_KEY_UINT, integer: C.int64_t(value)} }

func textKey(value string) key { return key{kind: C.FABRIC_KEY_TEXT, text: value} }

// keyOf reads a key as the package's comment tells. The commonest types come first; it keeps none of the
// argument but a string, so that callers need no memory for the others.
func keyOf(value any) (key, error) {
	switch value := value.(type) {
	case int:
		return intKey(int64(value)), nil
	case int64:
		return intKey(value), nil
	case uint64:
		return uintKey(value), nil
	case string:
		return textKey(value), nil
	case []byte:
		return textKey(string(value)), nil
	case int32:
		return intKey(int64(value)), nil
	case uint32:
		return intKey(int64(value)), nil
	case time.Time:
		return timeKey(value)
	}
	return otherKey(value)
}

func otherKey(value any) (key, error) {
	of := reflect.ValueOf(value)
	switch of.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intKey(of.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return uintKey(of.Uint()), nil
	case reflect.String:
		return textKey(of.String()), nil
	case reflect.Slice:
		// Whose text is another one than its bytes, such as a net.IP, is refused.
		if _, speaks := value.(fmt.Stringer); !speaks && of.Type().Elem().Kind() == reflect.Uint8 {
			return textKey(string(of.Bytes())), nil
		}
	case reflect.Invalid:
		return key{}, newError(ErrKeyMissing, "the key is nil; for what all shards share ask Global")
	}
	return key{}, newError(ErrKeyType, "a key of type %s has no exact text: give an integer, a "+
		"string, a []byte or a time.Time", of.Type().String())
}

func timeKey(value time.Time) (key, error) {
	if value.IsZero() {
		return key{}, newError(ErrKeyType, "the zero time.Time is no key: drivers write 0000-00-00 for it")
	}
	if year := value.Year(); year < 0 || year > 9999 {
		return key{}, newError(ErrKeyType, "the year %d of a key is none of MySQL's, 0 to 9999", year)
	}
	return textKey(value.Format("2006-01-02 15:04:05.999999")), nil
}
