package mysqlfabric

/*
#include "shim.h"
*/
import "C"

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
)

// levels are the library's, from grave to less grave, as slog has them.
var levels = []slog.Level{
	C.FABRIC_LOG_ERROR:   slog.LevelError,
	C.FABRIC_LOG_WARNING: slog.LevelWarn,
	C.FABRIC_LOG_INFO:    slog.LevelInfo,
	C.FABRIC_LOG_DEBUG:   slog.LevelDebug,
}

// hearLog has handles of these options tell a logger what they say. Messages come through a pipe (see
// shim.h), which the library closes when nobody writes there any more.
func hearLog(o *C.fabric_options_t, logger *slog.Logger) error {
	level := 0
	for at := C.FABRIC_LOG_ERROR; at <= C.FABRIC_LOG_DEBUG; at++ {
		if logger.Enabled(context.Background(), levels[at]) {
			level = at
		}
	}
	if level == 0 {
		return nil
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return newError(ErrSystem, "there is no pipe for the log: %v", err)
	}
	defer writer.Close()
	fd, err := theirs(writer)
	if err != nil {
		_ = reader.Close()
		return newError(ErrSystem, "there is no descriptor for the log: %v", err)
	}
	go (&relay{reader, bufio.NewReader(reader), logger, 0}).run()
	// What is wrong with it fabric_new says.
	C.go_set_log(o, C.int32_t(level), C.int(fd))
	return nil
}

// theirs is a descriptor of a file's that is not Go's to close; like Go's it does not block.
func theirs(file *os.File) (fd int, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return 0, err
	}
	if control := raw.Control(func(own uintptr) { fd, err = duplicate(int(own)) }); control != nil {
		return 0, control
	}
	return fd, err
}

// relay hands messages on from a pipe to a logger.
type relay struct {
	pipe   *os.File
	in     *bufio.Reader
	logger *slog.Logger
	lost   uint32 // how many messages, so far
}

func (r *relay) run() {
	over := false
	defer func() {
		if !over {
			go r.run() // the logger's handler has ended the goroutine
			return
		}
		_ = r.pipe.Close()
	}()
	for r.next() {
	}
	over = true
}

// next hands on one message; false at the end of the pipe.
func (r *relay) next() bool {
	var header [C.GO_LOG_HEADER]byte
	if _, err := io.ReadFull(r.in, header[:]); err != nil {
		return false
	}
	message := make([]byte, binary.BigEndian.Uint16(header[1:]))
	if _, err := io.ReadFull(r.in, message); err != nil {
		return false
	}
	if now := binary.BigEndian.Uint32(header[3:]); now != r.lost {
		since := now - r.lost
		r.lost = now
		say(r.logger, slog.LevelWarn, "log messages were lost: the logger is too slow", "lost", since)
	}
	say(r.logger, levels[header[0]], string(message))
	return true
}

// say logs a message. A handler that panics loses it, and does not end the process: nothing of the service
// is above it on the stack to recover.
func say(logger *slog.Logger, level slog.Level, message string, more ...any) {
	defer func() { _ = recover() }()
	logger.Log(context.Background(), level, message, append([]any{"component", "mysqlfabric"}, more...)...)
}
