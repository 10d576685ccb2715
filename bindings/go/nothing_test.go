package mysqlfabric

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

// methods calls each method of an object but Close with arguments that fit, or where ctx is nil each that takes a
// context, and hands on what it returns or panics with.
func methods(of any, ctx context.Context, each func(name string, returned []reflect.Value, panicked any)) {
	object := reflect.ValueOf(of)
	for at := range object.NumMethod() {
		name, method := object.Type().Method(at).Name, object.Method(at)
		takesContext := false
		var in []reflect.Value
		for at := range method.Type().NumIn() {
			of := method.Type().In(at)
			switch value := reflect.New(of).Elem(); {
			case method.Type().IsVariadic() && at == method.Type().NumIn()-1:
			case of == reflect.TypeFor[context.Context]():
				takesContext = true
				if ctx != nil {
					value.Set(reflect.ValueOf(ctx))
				}
				in = append(in, value)
			case of == reflect.TypeFor[func(Event)]():
				in = append(in, reflect.ValueOf(func(Event) {}))
			case of == reflect.TypeFor[any]() && (name == "Servers" || name == "Split"):
				in = append(in, reflect.ValueOf([]int{1}))
			case of == reflect.TypeFor[any]():
				in = append(in, reflect.ValueOf(1))
			case of.Kind() == reflect.String:
				in = append(in, reflect.ValueOf(salaries))
			default:
				in = append(in, value)
			}
		}
		if name == "Close" || ctx == nil && !takesContext {
			continue
		}
		func() {
			var returned []reflect.Value
			defer func() { each(name, returned, recover()) }()
			returned = method.Call(in)
		}()
	}
}

// What was never opened is closed, whatever it is asked.
func TestNeverOpened(t *testing.T) {
	for _, of := range []any{(*Farm)(nil), &Farm{}, (*Table)(nil), &Table{}} {
		methods(of, ctx, func(name string, returned []reflect.Value, panicked any) {
			if panicked != nil {
				t.Errorf("%T.%s panics: %v", of, name, panicked)
				return
			}
			if len(returned) == 0 {
				return
			}
			err, is := returned[len(returned)-1].Interface().(error)
			if fails := returned[len(returned)-1].Type() == reflect.TypeFor[error](); fails && (!is || err != ErrClosed) {
				t.Errorf("%T.%s: %v", of, name, err)
			}
		})
		must(t, of.(io.Closer).Close())
		if farm, is := of.(*Farm); is {
			for range farm.Events() {
			}
			farm.OnEvent(func(Event) {})()
		}
	}
	if _, err := Open("file:/no/such/file", nil, WithLogger(nil)); err != nil {
		t.Error(err)
	}
}

// A context that is nil panics, whether or not there is anything to wait for.
func TestNilContext(t *testing.T) {
	h := start(t).farm()
	table, err := h.Table(ctx, salaries)
	must(t, err)
	for _, of := range []any{h, table} {
		methods(of, nil, func(name string, _ []reflect.Value, panicked any) {
			if !strings.Contains(fmt.Sprint(panicked), "nil context") {
				t.Errorf("%T.%s: %v", of, name, panicked)
			}
		})
	}
	same(t, len(h.core.asker.line), 0)
}
