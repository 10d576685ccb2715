//go:build mysqlfabric_static

package mysqlfabric

// The library inside the program.

/*
#cgo pkg-config: mysqlfabric-static
*/
import "C"
