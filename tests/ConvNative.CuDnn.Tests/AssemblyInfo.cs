// One process, one double, and what it is told to do (to fail, to have little memory) holds for all: one test at a time.
[assembly: DoNotParallelize]
