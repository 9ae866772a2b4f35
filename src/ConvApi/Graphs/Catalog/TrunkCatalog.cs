using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs.Catalog;

/// <summary>A trunk by name, at the size of its paper and at one that the oracle's naive loops get through.</summary>
/// <param name="Name">As the command line takes it.</param>
/// <param name="Full">As published, for a batch.</param>
/// <param name="Reduced">The same structure on a small image, narrower where the width is an argument.</param>
public sealed record Trunk(string Name, Func<long, ConvGraph> Full, Func<ConvGraph> Reduced);

/// <summary>The whole networks of <see cref="Trunks"/>.</summary>
public static class TrunkCatalog
{
    /// <summary>All, in the order of their papers.</summary>
    public static IReadOnlyList<Trunk> All { get; } =
    [
        new("alexnet", n => Trunks.AlexNet(n), () => Trunks.AlexNet(1, 67, 10)),
        new("vgg-16", n => Trunks.Vgg16(n), () => Trunks.Vgg16(1, 32, 10, 8)),
        new("googlenet", n => Trunks.GoogLeNet(n), () => Trunks.GoogLeNet(1, 32, 10)),
        new("unet", n => Trunks.UNet(n), () => Trunks.UNet(1, 32, 8)),
        new("dcgan", n => Trunks.DcganGenerator(n), () => Trunks.DcganGenerator(1, 20, 8)),
        new("resnet-50", n => Trunks.ResNet50(n), () => Trunks.ResNet50(1, 32, 10)),
        new("squeezenet", n => Trunks.SqueezeNet(n), () => Trunks.SqueezeNet(1, 48, 10)),
        new("densenet-121", n => Trunks.DenseNet121(n), () => Trunks.DenseNet121(1, 32, 10, 8)),
        new("resnext-50", n => Trunks.ResNeXt50(n), () => Trunks.ResNeXt50(1, 32, 10)),
        new("mobilenet-v1", n => Trunks.MobileNetV1(n), () => Trunks.MobileNetV1(1, 32, 10)),
        new("deeplab-head", n => Trunks.DeepLabHead(n), () => Trunks.DeepLabHead(1, 14, 64, 16)),
        new("shufflenet", n => Trunks.ShuffleNet(n), () => Trunks.ShuffleNet(1, 64, 10)),
        new("se-resnet-50", n => Trunks.SeResNet50(n), () => Trunks.SeResNet50(1, 32, 10)),
        new("mobilenet-v2", n => Trunks.MobileNetV2(n), () => Trunks.MobileNetV2(1, 32, 10)),
    ];

    /// <summary>The trunk called <paramref name="name"/>, or null.</summary>
    public static Trunk? Find(string name) => All.FirstOrDefault(t => t.Name == name);
}
