using PageFold.TlbLab;

namespace PageFold.Cli.Tlb;

/// <summary>Parses the names of the lab; an unknown name gets a message of one line.</summary>
internal static class TlbNames
{
    public static string Protocols { get; } = string.Join(", ", NamedProtocols.All);

    public static string Architectures { get; } = string.Join(", ", Architecture.All);

    public static string Environments { get; } = string.Join(", ", LabEnvironments.Names);

    public static Protocol ToProtocol(string option, string name) =>
        NamedProtocols.All.FirstOrDefault(protocol => Same(protocol.Name, name))
        ?? throw new UserErrorException($"{option} {Arguments.Shown(name)} does not exist; choose {Protocols}.");

    public static Architecture ToArchitecture(string option, string name) =>
        Architecture.All.FirstOrDefault(architecture => Same(architecture.Name, name))
        ?? throw new UserErrorException($"{option} {Arguments.Shown(name)} does not exist; choose {Architectures}.");

    public static LabEnvironment ToEnvironment(string option, string name)
    {
        if (LabEnvironments.TryParse(name, out LabEnvironment environment, out string unknown))
            return environment;
        string wrong = unknown == name ? "does not exist" : $"has {Arguments.Shown(unknown)} in it, which does not exist";
        throw new UserErrorException($"{option} {Arguments.Shown(name)} {wrong}; choose {Environments}, or several joined by +.");
    }

    private static bool Same(string name, string given) => string.Equals(name, given.Trim(), StringComparison.OrdinalIgnoreCase);
}
