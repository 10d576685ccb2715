package fabric

/*
#include <stdint.h>
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// A logHandle travels through C as a number; the library gives it back when the last handle
// that logs to it is closed.

//export fabricGoLog
func fabricGoLog(level C.int32_t, message *C.char, userdata unsafe.Pointer) {
	logHandle(userdata).Value().(func(Level, string))(Level(level), C.GoString(message))
}

//export fabricGoLogFree
func fabricGoLogFree(userdata unsafe.Pointer) {
	logHandle(userdata).Delete()
}

func logHandle(userdata unsafe.Pointer) cgo.Handle {
	return cgo.Handle(uintptr(userdata))
}
