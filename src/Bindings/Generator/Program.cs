using ConvNative.Bindings.Generator;

return CommandLine.Run(args);
