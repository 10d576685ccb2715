module fabric

go 1.21
