using ConvNative.Kernels.Generator;

return CommandLine.Run(args, Console.Out, Console.Error);
