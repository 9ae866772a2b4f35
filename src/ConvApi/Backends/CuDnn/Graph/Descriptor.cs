using System.Text;
using ConvNative.Bindings;
using ConvNative.Bindings.Cuda;
using ConvNative.Bindings.CuDnn;
using ConvNative.Bindings.Handles;
using static ConvNative.Bindings.CuDnn.cudnnBackendAttributeType_t;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>
/// Descriptors of cuDNN's graph API: created, set and finalised in one go, destroyed if any of it fails. Each setter knows the C type
/// behind its attribute's tag, so a length or a type cannot be got wrong at the call.
/// </summary>
internal static unsafe class Descriptor
{
    public static CudnnDescriptorHandle Create(cudnnBackendDescriptorType_t type)
    {
        cudnnBackendDescriptor_t raw;
        Cudnn.cudnnBackendCreateDescriptor(type, &raw).Check(Function(nameof(Cudnn.cudnnBackendCreateDescriptor), type));
        return CudnnDescriptorHandle.Adopt(raw, nameof(Cudnn.cudnnBackendCreateDescriptor));
    }

    /// <summary>A finalised descriptor.</summary>
    /// <exception cref="NativeCallException">Any of the calls failed; nothing is left behind.</exception>
    public static CudnnDescriptorHandle Make(cudnnBackendDescriptorType_t type, Action<CudnnDescriptorHandle> configure) =>
        Create(type).Configure(d =>
        {
            configure(d);
            Cudnn.cudnnBackendFinalize(d.Raw).Check(Function(nameof(Cudnn.cudnnBackendFinalize), type));
        });

    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, long value) => Put(d, name, CUDNN_TYPE_INT64, 1, &value);

    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, ReadOnlySpan<long> values)
    {
        fixed (long* p = values) Put(d, name, CUDNN_TYPE_INT64, values.Length, p);
    }

    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, cudnnDataType_t value) => Put(d, name, CUDNN_TYPE_DATA_TYPE, 1, &value);

    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, cudnnConvolutionMode_t value) => Put(d, name, CUDNN_TYPE_CONVOLUTION_MODE, 1, &value);

    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, cudnnPointwiseMode_t value) => Put(d, name, CUDNN_TYPE_POINTWISE_MODE, 1, &value);

    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, cudnnBackendHeurMode_t value) => Put(d, name, CUDNN_TYPE_HEUR_MODE, 1, &value);

    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, cudnnNanPropagation_t value) => Put(d, name, CUDNN_TYPE_NAN_PROPOGATION, 1, &value);

    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, cudnnHandle_t value) => Put(d, name, CUDNN_TYPE_HANDLE, 1, &value);

    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, double value) => Put(d, name, CUDNN_TYPE_DOUBLE, 1, &value);

    /// <summary>A BOOLEAN is one byte.</summary>
    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, bool value)
    {
        byte b = value ? (byte)1 : (byte)0;
        Put(d, name, CUDNN_TYPE_BOOLEAN, 1, &b);
    }

    /// <summary>A factor: DOUBLE where the computation is in double, else FLOAT.</summary>
    public static void SetFactor(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, double value, cudnnDataType_t compute)
    {
        float narrow = (float)value;
        if (compute == cudnnDataType_t.CUDNN_DATA_DOUBLE) Put(d, name, CUDNN_TYPE_DOUBLE, 1, &value);
        else Put(d, name, CUDNN_TYPE_FLOAT, 1, &narrow);
    }

    public static void Set(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, params ReadOnlySpan<CudnnDescriptorHandle> children)
    {
        Span<nint> raw = stackalloc nint[children.Length];
        for (int i = 0; i < raw.Length; i++) raw[i] = children[i].Raw.Value;
        fixed (nint* p = raw) Put(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, raw.Length, p);
    }

    public static void SetPointers(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, ReadOnlySpan<nint> pointers)
    {
        fixed (nint* p = pointers) Put(d, name, CUDNN_TYPE_VOID_PTR, pointers.Length, p);
    }

    public static void SetText(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* p = bytes) Put(d, name, CUDNN_TYPE_CHAR, bytes.Length, p);
    }

    public static long GetInt64(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name)
    {
        long value = 0, count = 0;
        Get(d, name, CUDNN_TYPE_INT64, 1, &count, &value).Check(Function(nameof(Cudnn.cudnnBackendGetAttribute), name));
        return value;
    }

    /// <summary>A list of notes or the like, 4 bytes each; empty where the descriptor has none.</summary>
    /// <exception cref="NativeCallException">It cannot be read, for whatever reason: what it would say is not known then.</exception>
    public static int[] GetNotes(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type)
    {
        // The lists grow between releases: never as many as this.
        const int Most = 64;
        int* values = stackalloc int[Most];
        long count = 0;
        Get(d, name, type, Most, &count, values).Check(Function(nameof(Cudnn.cudnnBackendGetAttribute), name));
        return new ReadOnlySpan<int>(values, (int)Math.Min(count, Most)).ToArray();
    }

    /// <summary>Text, or null where this version has none.</summary>
    public static string? GetText(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name)
    {
        long count = 0;
        if (Get(d, name, CUDNN_TYPE_CHAR, 0, &count, null) != cudnnStatus_t.CUDNN_STATUS_SUCCESS || count <= 0) return null;
        var bytes = new byte[count];
        fixed (byte* p = bytes)
            if (Get(d, name, CUDNN_TYPE_CHAR, count, &count, p) != cudnnStatus_t.CUDNN_STATUS_SUCCESS) return null;
        return Encoding.UTF8.GetString(bytes, 0, (int)Math.Min(count, bytes.Length)).TrimEnd('\0');
    }

    /// <summary>How many descriptors the attribute holds.</summary>
    public static long Count(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name)
    {
        long count = 0;
        Get(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, null).Check(Function(nameof(Cudnn.cudnnBackendGetAttribute), name));
        return count;
    }

    /// <summary>Fills descriptors that have been created for it; how many were filled.</summary>
    public static long Fill(this CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, params ReadOnlySpan<CudnnDescriptorHandle> into)
    {
        long count = 0;
        var raw = new nint[into.Length];
        for (int i = 0; i < raw.Length; i++) raw[i] = into[i].Raw.Value;
        fixed (nint* p = raw) Get(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, raw.Length, &count, p).Check(Function(nameof(Cudnn.cudnnBackendGetAttribute), name));
        return Math.Min(count, raw.Length);
    }

    /// <summary>Whether the status only says that something does not exist in this version, for these sizes or on this device.</summary>
    public static bool IsUnsupported(this NativeCallException e) => e.Library == "cuDNN" && e.StatusCode is >= 3000 and < 4000;

    private static cudnnStatus_t Get(CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, long capacity, long* count, void* values) =>
        Cudnn.cudnnBackendGetAttribute(d.Raw, name, type, capacity, count, values);

    private static void Put(CudnnDescriptorHandle d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, long count, void* values) =>
        Cudnn.cudnnBackendSetAttribute(d.Raw, name, type, count, values).Check(Function(nameof(Cudnn.cudnnBackendSetAttribute), name));

    private static string Function<T>(string function, T what)
        where T : struct, Enum => $"{function}({what})";
}
