Console.Error.WriteLine("convnative"); return 2;
