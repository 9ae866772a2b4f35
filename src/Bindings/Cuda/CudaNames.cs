namespace ConvNative.Bindings.Cuda;

/// <summary>File names of NVIDIA's libraries on this platform.</summary>
internal static class CudaNames
{
    /// <summary>Majors of CUDA that are supported, newest first.</summary>
    public static readonly int[] Majors = [13, 12];

    /// <summary>cuDNN's parts in the order in which they are loaded; each may be missing in a version that has it elsewhere.</summary>
    public static readonly string[] CudnnParts =
        ["graph", "ops", "cnn", "engines_precompiled", "engines_runtime_compiled", "engines_tensor_ir", "ext", "heuristic", "adv"];

    private static bool Windows => OperatingSystem.IsWindows();

    public static string Cudnn => Windows ? "cudnn64_9.dll" : "libcudnn.so.9";

    public static string CudnnOlder => Windows ? "cudnn64_8.dll" : "libcudnn.so.8";

    public static string Driver => Windows ? "nvcuda.dll" : "libcuda.so.1";

    public static string CudnnPart(string part) => Windows ? $"cudnn_{part}64_9.dll" : $"libcudnn_{part}.so.9";

    public static string[] Runtime(int major) => Windows ? [$"cudart64_{major}.dll"] : [$"libcudart.so.{major}"];

    public static string[] Nvrtc(int major) => Windows ? [$"nvrtc64_{major}0_0.dll"] : [$"libnvrtc.so.{major}"];

    public static string[] Cublas(int major) => Windows ? [$"cublas64_{major}.dll"] : [$"libcublas.so.{major}"];

    public static string[] CublasLt(int major) => Windows ? [$"cublasLt64_{major}.dll"] : [$"libcublasLt.so.{major}"];

    /// <summary>The compiler's builtins carry major and minor, so they are found by pattern.</summary>
    public static string NvrtcBuiltins(int major) => Windows ? $"nvrtc-builtins64_{major}*.dll" : $"libnvrtc-builtins.so.{major}.*";
}
