module mysqlfabric

go 1.24.0
