using Mono.Cecil;
using Mono.Cecil.Cil;

namespace PageFold.Tests.Architecture;

/// <summary>
/// Reads a built assembly and finds, type by type, which types of the same assembly it uses: in signatures, fields, attributes, base types
/// and method bodies. A nested type, a lambda's closure and an iterator count as the type they are in. The value of a constant is in the
/// assembly, and where it comes from is not: a use of a constant alone is not found.
/// </summary>
internal static class TypeReferences
{
    /// <summary>The uses of each type, by full name, itself left out.</summary>
    public static SortedDictionary<string, SortedSet<string>> Of(string assembly)
    {
        using ModuleDefinition module = ModuleDefinition.ReadModule(assembly);
        SortedDictionary<string, SortedSet<string>> uses = new(StringComparer.Ordinal);
        foreach (TypeDefinition type in module.GetTypes().Where(type => !IsSynthesized(Outermost(type))))
        {
            string user = Outermost(type).FullName;
            if (!uses.TryGetValue(user, out SortedSet<string>? used))
                uses.Add(user, used = new SortedSet<string>(StringComparer.Ordinal));
            foreach (TypeReference reference in Uses(type))
                Add(used, user, reference, module);
        }
        return uses;
    }

    private static IEnumerable<TypeReference> Uses(TypeDefinition type)
    {
        IEnumerable<TypeReference?> declared =
        [
            type.BaseType,
            .. type.Interfaces.Select(implementation => implementation.InterfaceType),
            .. type.GenericParameters.SelectMany(parameter => parameter.Constraints).Select(constraint => constraint.ConstraintType),
            .. type.Fields.Select(field => field.FieldType),
            .. AttributesOf(type).SelectMany(Uses),
        ];
        return declared.Concat(type.Methods.SelectMany(Uses)).OfType<TypeReference>();
    }

    /// <summary>The attributes of a type and of all that it declares.</summary>
    private static IEnumerable<CustomAttribute> AttributesOf(TypeDefinition type)
    {
        IEnumerable<ICustomAttributeProvider> declared =
        [
            type,
            .. type.Interfaces,
            .. type.GenericParameters,
            .. type.Fields,
            .. type.Properties,
            .. type.Events,
            .. type.Methods,
            .. type.Methods.Select(method => method.MethodReturnType),
            .. type.Methods.SelectMany(method => method.Parameters),
            .. type.Methods.SelectMany(method => method.GenericParameters),
        ];
        return declared.Where(member => member.HasCustomAttributes).SelectMany(member => member.CustomAttributes);
    }

    private static IEnumerable<TypeReference> Uses(MethodDefinition method)
    {
        IEnumerable<TypeReference> signature =
        [
            method.ReturnType,
            .. method.Parameters.Select(parameter => parameter.ParameterType),
            .. method.GenericParameters.SelectMany(parameter => parameter.Constraints).Select(constraint => constraint.ConstraintType),
            .. method.Overrides.Select(overridden => overridden.DeclaringType),
        ];
        if (!method.HasBody)
            return signature;
        return signature
            .Concat(method.Body.Variables.Select(variable => variable.VariableType))
            .Concat(method.Body.ExceptionHandlers.Select(handler => handler.CatchType).OfType<TypeReference>())
            .Concat(method.Body.Instructions.SelectMany(Uses));
    }

    private static IEnumerable<TypeReference> Uses(Instruction instruction) => instruction.Operand switch
    {
        TypeReference type => [type],
        FieldReference field => [field.DeclaringType, field.FieldType],
        MethodReference method =>
        [
            method.DeclaringType,
            method.ReturnType,
            .. method.Parameters.Select(parameter => parameter.ParameterType),
            .. method is GenericInstanceMethod generic ? generic.GenericArguments : [],
        ],
        CallSite call => [call.ReturnType, .. call.Parameters.Select(parameter => parameter.ParameterType)],
        _ => [],
    };

    private static IEnumerable<TypeReference> Uses(CustomAttribute attribute) =>
    [
        attribute.AttributeType,
        .. attribute.ConstructorArguments.SelectMany(Uses),
        .. attribute.Fields.Concat(attribute.Properties).SelectMany(named => Uses(named.Argument)),
    ];

    private static IEnumerable<TypeReference> Uses(CustomAttributeArgument argument) => argument.Value switch
    {
        TypeReference type => [argument.Type, type],
        CustomAttributeArgument[] many => [argument.Type, .. many.SelectMany(Uses)],
        CustomAttributeArgument boxed => Uses(boxed),
        _ => [argument.Type],
    };

    private static void Add(SortedSet<string> used, string user, TypeReference reference, ModuleDefinition module)
    {
        switch (reference)
        {
            case GenericInstanceType generic:
                Add(used, user, generic.ElementType, module);
                foreach (TypeReference argument in generic.GenericArguments)
                    Add(used, user, argument, module);
                break;
            case GenericParameter:
                break;
            case FunctionPointerType pointer:
                Add(used, user, pointer.ReturnType, module);
                foreach (ParameterDefinition parameter in pointer.Parameters)
                    Add(used, user, parameter.ParameterType, module);
                break;
            case TypeSpecification composed:
                Add(used, user, composed.ElementType, module);
                break;
            case { } plain when plain.Scope == module:
                string name = Outermost(plain).FullName;
                if (name != user && !IsSynthesized(Outermost(plain)))
                    used.Add(name);
                break;
        }
    }

    private static T Outermost<T>(T type)
        where T : TypeReference
    {
        TypeReference outer = type;
        while (outer.DeclaringType is not null)
            outer = outer.DeclaringType;
        return (T)outer;
    }

    private static bool IsSynthesized(TypeReference type) =>
        type.Name.StartsWith('<') || type.Namespace is not ("PageFold" or "PageFold.Planted")
        && !type.Namespace.StartsWith("PageFold.", StringComparison.Ordinal);
}
