using ConvNative.Bindings.Generator;

return CommandLine.Run(args, Console.Out, Console.Error);
